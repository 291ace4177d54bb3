//! `run`: runs a named script in a database that is in use. It shows the statements with their values and asks.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use pgproof_live::doctor::Unreachable;
use pgproof_live::script::{Script, run_statements};
use pgproof_live::{Environment, Target};
use pgproof_report::Verdict;
use pgproof_runner::Config;
use pgproof_server::session::{NamedRows, shortened};

use super::DatabaseArguments;
use super::consent::{Consent, Stakes};
use crate::terminal::{note, say};

/// The arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The script, as in settler/first_tenant
    #[arg(value_name = "SCHEMA/SCRIPT")]
    script: String,
    #[command(flatten)]
    database: DatabaseArguments,
    /// The value of a parameter; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Take the value of a parameter from an environment variable, for secrets; may be repeated
    #[arg(long, value_name = "NAME=VARIABLE", value_parser = pair)]
    set_from: Vec<(String, String)>,
    #[command(flatten)]
    consent: Consent,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the script and prints the rows that it returns.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let Some((schema, name)) = arguments.script.split_once('/') else {
        bail!("expected SCHEMA/SCRIPT, as in settler/first_tenant, not {:?}", arguments.script);
    };
    let schema = config.schema(schema)?;
    let Some(directory) = &schema.scripts else {
        bail!(
            "schemas.{0}.scripts in pgproof.toml names no directory of scripts: add `scripts = \"sql/{0}/scripts\"`",
            schema.name
        );
    };
    let script = Script::named(&config.root, &config.path(directory), name)?;
    let target: Target = arguments.database.target(config)?;
    let environment = Environment::read(&config.root)?;
    let mut values: BTreeMap<String, String> = arguments.set.iter().cloned().collect();
    for (name, variable) in &arguments.set_from {
        let (value, _) = environment
            .get(variable)
            .with_context(|| format!("{variable} is not set; it holds the value of {name}"))?;
        values.insert(name.clone(), value);
    }
    let mut reader = target.reader().map_err(|error| Unreachable::new(&target, error))?;
    let statements = script.with(&values, &mut reader)?;
    drop(reader);
    say(format_args!("{}: {}\n", script.file.display(), script.purpose))?;
    for parameter in &script.parameters {
        let is_secret = arguments.set_from.iter().any(|(name, _)| *name == parameter.name);
        let value = match values.get(&parameter.name).or(parameter.default.as_ref()) {
            Some(_) if is_secret => "(from the environment)".to_owned(),
            Some(value) => shortened(value),
            None => continue,
        };
        say(format_args!("  {} = {value}\n", parameter.name))?;
    }
    if !arguments.consent.given(&target, &format!("run it in {target}?"), Stakes::Usual)? {
        note("nothing was changed");
        return Ok(Verdict::Nothing);
    }
    for rows in run_statements(&target, &statements)? {
        say(shown(&rows))?;
    }
    say(format_args!("done in {target}\n"))?;
    Ok(Verdict::Proven)
}

/// Rows as names and values.
fn shown(NamedRows { columns, rows }: &NamedRows) -> String {
    let mut text = String::new();
    for row in rows {
        for (column, value) in columns.iter().zip(row) {
            text.push_str(&format!("  {column}: {}\n", value.as_deref().unwrap_or("NULL")));
        }
    }
    text
}
