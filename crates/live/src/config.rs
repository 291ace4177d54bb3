//! The databases that `pgproof.toml` names. Where their connection strings come from is looked up in `environment`.

use std::collections::BTreeMap;
use std::time::Duration;

use pgproof_rerun::AcceptedDifference;
use pgproof_runner::config::TopPart;
use pgproof_server::deadlines::duration;
use pgproof_sql::Identifier;
use serde::Deserialize;

/// Table `[databases]`: databases that are in use, by name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Databases(pub BTreeMap<String, Database>);

impl TopPart for Databases {
    const KEY: &'static str = "databases";
}

/// Table `[databases.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// The environment variable, or line of `.env`, that holds the connection string.
    pub variable: Option<String>,
    /// The connection string itself, without a password: `service=production`, or host and database.
    pub connection: Option<String>,
    /// The schema of `pgproof.toml` that the database has, for commands that are given none.
    pub schema: Option<String>,
    /// Whether a change of it wants its name typed.
    pub protected: bool,
    /// Whether `migrate` keeps a table of what it has applied there, `pgproof.history`.
    pub history: bool,
    /// The role that stands for the one that runs the migrations; by default, the owner of most of its tables.
    pub owner: Option<Identifier>,
    /// How long a statement waits for a lock before `migrate` lets others go first; 2 seconds by default.
    #[serde(deserialize_with = "duration")]
    pub lock_timeout: Duration,
    /// How often a statement is tried again after that; 10 times by default.
    pub lock_retries: u32,
    /// Differences from the migrations that are known.
    pub accepted: Vec<AcceptedDifference>,
}

impl Default for Database {
    fn default() -> Database {
        Database {
            variable: None,
            connection: None,
            schema: None,
            protected: false,
            history: false,
            owner: None,
            lock_timeout: Duration::from_secs(2),
            lock_retries: 10,
            accepted: Vec::new(),
        }
    }
}
