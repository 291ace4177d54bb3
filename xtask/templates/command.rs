//! `skeleton`: say here what the command does, and what it leaves to other modules.

use std::fmt::Write as _;

use pgproof_report::Verdict;
use pgproof_runner::{Config, Schema};

use crate::terminal::say;

/// The arguments of `skeleton`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The schemas [default: all]
    #[arg(value_name = "SCHEMA")]
    schemas: Vec<String>,
}

/// Prints where the migrations of each schema are.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let named: Vec<&Schema> = arguments.schemas.iter().map(|name| config.schema(name)).collect::<Result<_, _>>()?;
    let schemas = if named.is_empty() { config.schemas.values().collect() } else { named };
    say(rendered(&schemas))?;
    Ok(Verdict::Proven)
}

fn rendered(schemas: &[&Schema]) -> String {
    let mut text = String::new();
    for schema in schemas {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: migrations in {}", schema.name, schema.migrations.display());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_of_each_schema_are_shown() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pgproof.toml");
        let suite = r#"suite = { package = "shop-schema", test = "shop" }"#;
        std::fs::write(&file, format!("[schemas.shop]\nmigrations = \"sql/shop\"\n{suite}\n")).unwrap();
        let config = Config::read(&file).unwrap();
        assert_eq!(rendered(&[config.schema("shop").unwrap()]), "shop: migrations in sql/shop\n");
        assert_eq!(run(&config, &Arguments { schemas: Vec::new() }).unwrap(), Verdict::Proven);
        assert!(run(&config, &Arguments { schemas: vec!["store".to_owned()] }).is_err());
    }
}
