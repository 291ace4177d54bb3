//! The report of a run, as one value and in each output format, one file per format.

mod causes;
mod gather;
mod json;
mod majors;
mod merge;
mod not_tried;
mod obstacle;
mod outcome;
mod places;
mod reporter;
mod shard;
mod text;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use gather::{Extent, SuiteRun, TestRun};
pub use json::AsJson;
pub use majors::Majors;
pub use merge::{MergeError, merge, merge_majors};
pub use obstacle::Obstacle;
pub use outcome::Verdict;
pub use reporter::Reporter;
pub use shard::Shard;
pub use text::{AsText, Text};

use pgproof_runner::evidence::Evidence;
use pgproof_server::{ServerHandle, Version};

/// The version of the JSON document. It changes when a field is renamed, removed or changes its meaning, but not when a
/// field is added.
pub const FORMAT: u32 = 2;

/// What a run proved. Serialized, this is the document of `--format json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The verdict on the whole run; it decides the exit code.
    pub verdict: Verdict,
    /// The server it ran on.
    pub server: ServerReport,
    /// The shard, if this is not a whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// How long the run took, in seconds, without the build.
    pub seconds: f64,
    /// Sums over all schemas.
    pub counts: Counts,
    /// A report for each schema, in the order of their names.
    pub schemas: Vec<SchemaReport>,
}

/// The server of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerReport {
    /// The provider that started it: `local`, `docker`, `download` or `url`; `database` for that of a database in use.
    pub provider: String,
    /// The database that was proven, and where it is, if it is one that is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Its version.
    pub version: Version,
    /// Why some assertions cannot be proven there, if that is so: then nothing counts as refuted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
}

impl From<&ServerHandle> for ServerReport {
    fn from(handle: &ServerHandle) -> Self {
        let ServerHandle { provider, version, limits, .. } = handle.clone();
        ServerReport { provider, database: None, version, limits }
    }
}

/// The totals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Tests that ran.
    pub tests: usize,
    /// Assertions that were checked, or not tried.
    pub assertions: usize,
    /// Those of them that were proven by running statements, rather than read from the catalog.
    pub behavioural: usize,
    /// Assertions that hold.
    pub proven: usize,
    /// Assertions that do not hold.
    pub refuted: usize,
    /// Assertions that could not be checked.
    pub error: usize,
    /// Assertions that were not tried, because the database is in use.
    #[serde(default)]
    pub not_tried: usize,
}

/// What was proven of one schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaReport {
    /// Its name.
    pub name: String,
    /// The verdict on it.
    pub verdict: Verdict,
    /// For a shard, the total number of tests in its suite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<usize>,
    /// Its migrations, in the order in which they were applied.
    pub migrations: Vec<MigrationReport>,
    /// Accepted differences of `pgproof.toml` that matched nothing in this run. Known only of a whole run, or a shard,
    /// that is proven.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unmatched: BTreeSet<String>,
    /// Sums over its sections.
    pub counts: Counts,
    /// Its sections, in the order of the configuration.
    pub sections: Vec<SectionReport>,
}

/// A migration that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationReport {
    /// The file.
    pub file: std::path::PathBuf,
    /// How many statements it has.
    pub statements: usize,
    /// How many rows they affected.
    pub rows: u64,
}

/// What was proven of one section of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionReport {
    /// The module of the suite.
    pub module: String,
    /// The title of the section.
    pub title: String,
    /// The verdict on it.
    pub verdict: Verdict,
    /// How many tests the runbook specifies.
    pub promised: usize,
    /// Sums over its tests.
    pub counts: Counts,
    /// Its tests.
    pub tests: Vec<TestReport>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// Its name: modules, function and case.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What it printed, if it did not pass.
    pub output: Option<String>,
    /// What it checked.
    pub assertions: Vec<Evidence>,
}

/// The template of `cargo xtask new format`, compiled and tested where its copies will be.
#[cfg(test)]
#[path = "../../../xtask/templates/format.rs"]
mod skeleton;
