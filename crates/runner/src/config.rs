//! `pgproof.toml`: the schemas under proof, and where their files stand. It says what is configured; reading
//! migrations or fixtures is left to those who use them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The name of the configuration file.
pub const FILE_NAME: &str = "pgproof.toml";

/// Names a configuration file, in place of the search from the working directory upwards.
pub const CONFIG_VARIABLE: &str = "PGPROOF_CONFIG";

/// The whole of `pgproof.toml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of the file: every path in it is relative to this one.
    pub root: PathBuf,
    /// The file itself.
    pub file: PathBuf,
    /// Which server to use.
    pub server: ServerConfig,
    /// The schemas under proof, by name.
    pub schemas: BTreeMap<String, Schema>,
}

/// Table `[server]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// The directory of PostgreSQL's binaries, in place of the search.
    pub bin: Option<PathBuf>,
    /// The major version to use, in place of the newest.
    pub major: Option<u16>,
}

/// Table `[schemas.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The key of the table.
    #[serde(skip)]
    pub name: String,
    /// The directory of the numbered migrations.
    pub migrations: PathBuf,
    /// The directory of the files that take migrations back.
    pub rollback: Option<PathBuf>,
    /// The directory of the expected rows.
    pub fixtures: Option<PathBuf>,
    /// What one transaction holds when migrations are applied.
    #[serde(default)]
    pub transaction: Transaction,
    /// The test binary that proves the schema.
    pub suite: Suite,
    /// The parts of the report, in order.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// The queries whose plans are reviewed.
    pub plans: Option<Plans>,
}

/// Table `[schemas.NAME.plans]`: the queries whose plans are reviewed, and the database that they are planned in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plans {
    /// The directory of the queries, one a file.
    pub queries: PathBuf,
    /// The directory of the accepted plans.
    pub snapshots: PathBuf,
    /// The role that the application uses; queries are planned as this role.
    pub role: Option<String>,
    /// A file that is run before the rows are made: it may make the role and grant it what it needs.
    pub setup: Option<PathBuf>,
    /// How many rows a table gets that is not named below.
    #[serde(default = "usual_rows")]
    pub rows: u64,
    /// Tables with other rows.
    #[serde(default)]
    pub tables: BTreeMap<String, PlannedTable>,
    /// Planner settings, in place of PostgreSQL's defaults: those of your production.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
}

/// The rows of a table in the planning database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedTable {
    /// How many.
    pub rows: Option<u64>,
    /// Columns with an expression over `n`, the number of the row from 1.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
}

/// The value of a setting: a text or a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// As in `work_mem = "64MB"`.
    Text(String),
    /// As in `effective_cache_size = 65536`.
    Integer(i64),
    /// As in `random_page_cost = 1.1`.
    Number(f64),
    /// As in `enable_nestloop = true`.
    Switch(bool),
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Setting::Text(text) => f.write_str(text),
            Setting::Integer(number) => write!(f, "{number}"),
            Setting::Number(number) => write!(f, "{number}"),
            Setting::Switch(on) => f.write_str(if *on { "on" } else { "off" }),
        }
    }
}

fn usual_rows() -> u64 {
    2000
}

/// What one transaction holds when migrations are applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transaction {
    /// Each statement is its own, as with `psql -f`.
    #[default]
    Statement,
    /// Each file is one, as with `psql -1 -f`, unless it holds a statement that cannot run inside a transaction block.
    File,
}

/// The cargo test target that proves a schema.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The package.
    pub package: String,
    /// Its integration test.
    pub test: String,
    /// The `Cargo.toml` of its workspace, if that is not the one at or above `pgproof.toml`.
    pub manifest: Option<PathBuf>,
}

/// A part of the report: the tests of one module of the suite.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The module of the suite.
    pub module: String,
    /// What the report calls it.
    pub title: String,
    /// How many tests the runbook promises; fewer refute the section.
    #[serde(default)]
    pub tests: usize,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file was found.
    #[error("no {FILE_NAME} in {} or any directory above it; run pgproof inside a project, or name the file with --config or {CONFIG_VARIABLE}", .from.display())]
    NotFound {
        /// Where the search began.
        from: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is malformed; the cause names line and key.
    #[error("{} is malformed: {}", .path.display(), .problem.trim_end())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column, and what is wrong there.
        problem: String,
    },
    /// A schema was asked for that the file does not have.
    #[error("unknown schema {name:?}; {} has {}", .file.display(), .known.join(", "))]
    UnknownSchema {
        /// What was asked for.
        name: String,
        /// The file.
        file: PathBuf,
        /// What there is.
        known: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    server: ServerConfig,
    schemas: BTreeMap<String, Schema>,
}

impl Config {
    /// Reads the file that `$PGPROOF_CONFIG` names, else the nearest one from the working directory upwards.
    pub fn find() -> Result<Config, ConfigError> {
        if let Some(file) = std::env::var_os(CONFIG_VARIABLE) {
            return Config::read(Path::new(&file));
        }
        let from = std::env::current_dir().unwrap_or_default();
        match from.ancestors().map(|dir| dir.join(FILE_NAME)).find(|file| file.is_file()) {
            Some(file) => Config::read(&file),
            None => Err(ConfigError::NotFound { from }),
        }
    }

    /// Reads this file.
    pub fn read(file: &Path) -> Result<Config, ConfigError> {
        let unreadable = |source| ConfigError::Read { path: file.to_path_buf(), source };
        let malformed = |problem| ConfigError::Malformed { path: file.to_path_buf(), problem };
        let path = std::path::absolute(file).map_err(unreadable)?;
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        let mut parsed: File = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if parsed.schemas.is_empty() {
            return Err(malformed("it names no schema: add a table [schemas.NAME]".to_owned()));
        }
        for (name, schema) in &mut parsed.schemas {
            if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
                return Err(malformed(format!("schemas.{name}: a name has only lower-case letters, digits and _")));
            }
            schema.name.clone_from(name);
        }
        let root = path.parent().map(Path::to_path_buf).unwrap_or_default();
        parsed.server.bin = parsed.server.bin.map(|bin| root.join(bin));
        Ok(Config { root, file: path, server: parsed.server, schemas: parsed.schemas })
    }

    /// The schema of this name.
    pub fn schema(&self, name: &str) -> Result<&Schema, ConfigError> {
        self.schemas.get(name).ok_or_else(|| ConfigError::UnknownSchema {
            name: name.to_owned(),
            file: self.file.clone(),
            known: self.schemas.keys().cloned().collect(),
        })
    }

    /// A configured path, absolute.
    pub fn path(&self, relative: &Path) -> PathBuf {
        self.root.join(relative)
    }

    /// A path as messages show it: relative to the configuration where it lies below it.
    pub fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_path_buf()
    }
}

#[cfg(test)]
mod tests {
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
        assert!(error.starts_with("unknown schema \"shoop\"; ") && error.ends_with("has shop"), "{error}");
    }

    #[test]
    fn names_line_and_key_of_a_mistake() {
        let error = read(&format!("{GOOD}migratons = \"x\"\n")).expect_err("a misspelt key").to_string();
        assert!(error.contains("line 4") && error.contains("unknown field `migratons`"), "{error}");
        let error = read("[schemas.shop]\nmigrations = 3\n").expect_err("a wrong type").to_string();
        assert!(error.contains("line 2") && error.contains("migrations = 3"), "{error}");
    }

    #[test]
    fn refuses_a_file_without_schemas() {
        let error = read("[schemas]\n").expect_err("nothing to prove").to_string();
        assert!(error.contains("names no schema"), "{error}");
    }
}
