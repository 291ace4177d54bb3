//! `pgproof.toml`: the schemas under test and the location of their files. Migrations and fixtures are read elsewhere,
//! and subsystems read tables of their own (`part`).

mod error;
mod part;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use part::Parts;
use pgproof_server::ServerConfig;
use pgproof_sql::shortened_word;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub use error::ConfigError;
pub use part::{Part, Subsystem, TopPart};
pub use schema::{ChecklistItem, Schema, Section, Suite, Superseded, Variable};

/// The name of the configuration file.
pub const FILE_NAME: &str = "pgproof.toml";

/// Names a configuration file, instead of searching from the working directory upwards.
pub const CONFIG_VARIABLE: &str = "PGPROOF_CONFIG";

/// Names optional migrations to apply, separated by commas.
pub const WITH_VARIABLE: &str = "PGPROOF_WITH";

/// The whole of `pgproof.toml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of the file: every path in it is relative to this directory.
    pub root: PathBuf,
    /// The file itself.
    pub file: PathBuf,
    /// Which server to use.
    pub server: ServerConfig,
    /// The schemas under test, by name.
    pub schemas: BTreeMap<String, Schema>,
    /// The optional migrations to apply, by name: those listed with `--with` or in [`WITH_VARIABLE`].
    pub with: Vec<String>,
    /// The tables that other crates read (`part`).
    parts: Parts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    server: ServerConfig,
    schemas: BTreeMap<String, Schema>,
    // Read with `top_part`.
    #[expect(dead_code, reason = "only its presence is checked here")]
    databases: Option<IgnoredAny>,
}

impl Config {
    /// Reads the file that `$PGPROOF_CONFIG` names, else the nearest one from the working directory upwards.
    /// A process reads it once: all of it has the same configuration.
    pub fn find() -> Result<Config, ConfigError> {
        static FOUND: Mutex<Option<Config>> = Mutex::new(None);
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = &*found {
            return Ok(config.clone());
        }
        let set = std::env::var_os(CONFIG_VARIABLE).filter(|file| !file.is_empty());
        let file = set.map(PathBuf::from).map_or_else(nearest, Ok)?;
        Ok(found.insert(Config::read(&file)?).clone())
    }

    /// Reads this file, except the tables of subsystems, which they read with [`Schema::part`].
    pub fn read(file: &Path) -> Result<Config, ConfigError> {
        let unreadable = |source| ConfigError::Read { path: file.to_path_buf(), source };
        let malformed = |problem| ConfigError::Malformed { path: file.to_path_buf(), problem };
        let path = std::path::absolute(file).map_err(unreadable)?;
        let text = pgproof_sql::files::read_text(&path).map_err(unreadable)?;
        let mut parsed: File = toml::from_str(&text).map_err(|error| ConfigError::malformed(file, &error))?;
        let source = Arc::new((file.to_path_buf(), text));
        if parsed.schemas.is_empty() {
            return Err(malformed("no schema is configured: add a table [schemas.NAME]".to_owned()));
        }
        for (name, schema) in &mut parsed.schemas {
            let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if name.is_empty() || !name.bytes().all(is_name) {
                return Err(malformed(format!(
                    "schemas.{}: a name consists of lower-case letters, digits and _",
                    shortened_word(&format!("{name:?}"))
                )));
            }
            if schema.search_path.iter().any(String::is_empty) {
                return Err(malformed(format!("schemas.{name}.search_path: the name of a schema is empty")));
            }
            schema.name.clone_from(name);
            schema.parts = Parts::of(Arc::clone(&source));
        }
        let root = path.parent().map(Path::to_path_buf).unwrap_or_default();
        parsed.server.bin = parsed.server.bin.map(|bin| root.join(bin));
        let with = std::env::var(WITH_VARIABLE).unwrap_or_default();
        let with = with.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let parts = Parts::of(source);
        Ok(Config { root, file: path, server: parsed.server, schemas: parsed.schemas, with, parts })
    }

    /// Reads a subsystem's table of every schema, so that an error in one is reported before anything needs it.
    pub fn demand<T: Part>(&self) -> Result<&Config, ConfigError> {
        for schema in self.schemas.values() {
            schema.part::<T>()?;
        }
        Ok(self)
    }

    /// The schema of this name.
    pub fn schema(&self, name: &str) -> Result<&Schema, ConfigError> {
        self.schemas.get(name).ok_or_else(|| ConfigError::UnknownSchema {
            name: name.to_owned(),
            file: self.file.clone(),
            known: self.schemas.keys().cloned().collect(),
        })
    }

    /// A configured path, as an absolute path.
    pub fn path(&self, relative: &Path) -> PathBuf {
        self.root.join(relative)
    }

    /// A path as shown in messages: relative to the configuration if it is below it.
    pub fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_path_buf()
    }
}

/// The nearest file from the working directory upwards.
fn nearest() -> Result<PathBuf, ConfigError> {
    let from = std::env::current_dir().unwrap_or_default();
    let file = from.ancestors().map(|dir| dir.join(FILE_NAME)).find(|file| file.is_file());
    file.ok_or(ConfigError::NotFound { from })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(FILE_NAME);
        std::fs::write(&file, text).expect("a file");
        Config::read(&file)
    }

    const GOOD: &str = "[schemas.shop]\nmigrations = \"sql\"\nsuite = { package = \"p\", test = \"shop\" }\n";

    #[test]
    fn reads_schemas_by_name() {
        let config = read(GOOD).expect("a good file");
        assert_eq!(config.schema("shop").expect("shop").suite.test, "shop");
        let error = config.schema("shoop").expect_err("no such schema").to_string();
        assert!(error.starts_with("unknown schema \"shoop\"; ") && error.ends_with("defines shop"), "{error}");
    }

    #[test]
    fn an_error_names_line_and_key() {
        let error = read(&format!("{GOOD}migratons = \"x\"\n")).expect_err("a misspelt key").to_string();
        assert!(error.contains("line 4") && error.contains("unknown field `migratons`"), "{error}");
        let error = read("[schemas.shop]\nmigrations = 3\n").expect_err("a wrong type").to_string();
        assert!(error.contains("line 2") && error.contains("migrations = 3"), "{error}");
    }

    /// As a subsystem would.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tenants {
        role: String,
        #[serde(default)]
        shared: BTreeMap<String, String>,
    }

    impl Part for Tenants {
        const OF: Subsystem = Subsystem::Tenancy;
    }

    #[test]
    fn a_subsystem_reads_its_table_wherever_it_is_written() {
        let other =
            "[schemas.other]\nmigrations = \"sql\"\nsuite = { package = \"p\", test = \"t\" }\ntenancy.role = \"b\"\n";
        let config = read(&format!(
            "{GOOD}[schemas.shop.tenancy]\nrole = \"a\"\n\n{other}\n[schemas.shop.tenancy.shared]\nt = \"x\"\n"
        ))
        .expect("a good file");
        let part = |name: &str| config.schema(name).expect("it").part::<Tenants>().expect("a good table").expect("it");
        assert_eq!((part("shop").role.as_str(), part("other").role.as_str()), ("a", "b"));
        assert_eq!(part("shop").shared["t"], "x");
        assert!(Arc::ptr_eq(&part("shop"), &part("shop")), "it is read once");
        let bare = read(GOOD).expect("a good file");
        assert!(bare.schema("shop").expect("shop").part::<Tenants>().expect("no table").is_none());
    }

    #[test]
    fn an_error_in_the_table_of_a_subsystem_names_line_and_key() {
        let problem = |table: &str| {
            let config = read(&format!("{GOOD}[schemas.shop.tenancy]\n{table}")).expect("the rest is good");
            config.demand::<Tenants>().expect_err("a wrong table").to_string()
        };
        let error = problem("role = \"a\"\nrol = \"b\"\n");
        assert!(error.contains("pgproof.toml is malformed") && error.contains("line 6"), "{error}");
        assert!(error.contains("unknown field `rol`, expected `role` or `shared`"), "{error}");
        let error = problem("role = 3\n");
        assert!(error.contains("line 5") && error.contains("invalid type: integer `3`, expected a string"), "{error}");
        let error = problem("");
        assert!(error.contains("line 4") && error.contains("missing field `role`"), "{error}");
        let error = read(&format!("{GOOD}tenancy = 3\n")).expect("the rest is good");
        let error = error.demand::<Tenants>().expect_err("no table").to_string();
        assert!(error.contains("line 4") && error.contains("tenancy = 3"), "{error}");
    }

    #[test]
    fn the_table_of_no_subsystem_is_an_error() {
        let error =
            read(&format!("{GOOD}[schemas.shop.tenacy]\nrole = \"a\"\n")).expect_err("no subsystem").to_string();
        assert!(error.contains("line 4") && error.contains("unknown field `tenacy`"), "{error}");
    }

    #[test]
    fn a_file_without_schemas_is_rejected() {
        let error = read("[schemas]\n").expect_err("no schema").to_string();
        assert!(error.contains("no schema is configured"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_or_rejected(pieces in proptest::collection::vec(prop_oneof![
            Just("["), Just("]"), Just("[["), Just("]]"), Just("{"), Just("}"), Just("="), Just("."), Just(","), Just("\n"), Just("\""),
            Just("'"), Just("\"\"\""), Just("\\"), Just("#"), Just("é"), Just("1"), Just("-"), Just("1e9"), Just("true"), Just("2024-01-01"),
            Just("schemas"), Just("shop"), Just("migrations"), Just("\"sql\""), Just("suite"), Just("package"), Just("test"), Just("plans"),
            Just("rerun"), Just("accepted"), Just("object"), Just("\"table t\""), Just("tenancy"), Just("rows"), Just("server"), Just(" "),
            Just(GOOD), Just("[schemas.shop."), Just("[[schemas.shop."),
        ], 0..40)) {
            if let Err(error) = read(&pieces.concat()) {
                prop_assert!(error.to_string().len() < 4000);
            }
        }
    }
}
