//! What query plans read of `pgproof.toml`. Whether the tables and columns exist, the planning database looks up.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pgproof_runner::config::{Part, Subsystem};
use pgproof_sql::{Identifier, QualifiedName, keyed_by_name};
use serde::Deserialize;

/// Table `[schemas.NAME.plans]`: the queries whose plans are reviewed, and the database in which they are planned.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plans {
    /// The directory of the queries, one per file.
    pub queries: PathBuf,
    /// The directory of the accepted plans.
    pub snapshots: PathBuf,
    /// The role that the application uses; queries are planned as this role.
    pub role: Option<String>,
    /// A file that is run before the rows are generated: it may create the role and grant it privileges.
    pub setup: Option<PathBuf>,
    /// How many rows a table has that is not listed below.
    #[serde(default = "usual_rows")]
    pub rows: u64,
    /// Tables with other numbers of rows, or with expressions for columns.
    #[serde(default, deserialize_with = "keyed_by_name")]
    pub tables: BTreeMap<QualifiedName, PlannedTable>,
    /// Planner settings that override PostgreSQL's defaults: those of your production server.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
}

impl Part for Plans {
    const OF: Subsystem = Subsystem::Plans;
}

/// The rows of a table in the planning database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedTable {
    /// The number of rows.
    pub rows: Option<u64>,
    /// Columns with an expression over `n`, the row number from 1.
    #[serde(default)]
    pub columns: BTreeMap<Identifier, String>,
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
