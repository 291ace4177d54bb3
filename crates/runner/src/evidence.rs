//! The record of one checked assertion, and the files that collect the records of a run. `report` creates reports from
//! them.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use pgproof_sql::Origin;

use crate::NotTried;

/// Names the directory that records are written to. If unset, nothing is recorded, but a failed assertion still fails
/// its test.
pub const EVIDENCE_VARIABLE: &str = "PGPROOF_EVIDENCE";

/// The record of one checked assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The schema under test.
    pub schema: String,
    /// The test as named by the test harness: modules, function and case.
    pub test: String,
    /// File and line of the check.
    pub location: String,
    /// The object, as in `column lead_tasks.status`.
    pub subject: String,
    /// What must hold for it.
    pub sentence: String,
    /// The object that it is about.
    #[serde(default)]
    pub object: String,
    /// Whether it was acted out, rather than read from the catalog: whether one of its pins was.
    pub behavioural: bool,
    /// What it pins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pinned>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was not tried, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_tried: Option<NotTried>,
    /// Whether the test ended with it, because it could not go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended_test: bool,
    /// Expected and found, unless it was proven.
    pub message: Option<String>,
    /// What the message comes down to, if it is an obstacle that other assertions share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The SQLSTATE of the error that prevented the check; 08006 if the connection was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// How many cases of how many were tried, where not all can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extent: Option<Extent>,
    /// The patterns in `pgproof.toml` that accepted a difference here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accepted: BTreeSet<String>,
    /// Why it is not decided, although nothing refutes it: what it says more than what was tried can show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
    /// Additional output for humans, proven or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhibit: Option<String>,
    /// Additional output for programs, proven or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<serde_json::Value>,
    /// Where the migrations define the object; looked up only if the assertion was not proven.
    pub made_at: Option<Origin>,
    /// How long the check took, in microseconds.
    pub micros: u64,
}

/// How many cases of how many were tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// How many were tried.
    pub tried: usize,
    /// How many there are.
    pub of: usize,
    /// What they are.
    pub what: Cases,
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cases {
    /// Files of the migrations.
    Files,
    /// Moments at which a run is killed.
    KillPoints,
}

/// A property of an object that an assertion pins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The object, as in `column orders.total`.
    pub object: String,
    /// The property.
    pub property: String,
    /// How firmly.
    pub firmness: Firmness,
}

impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.what {
            Cases::Files => "files",
            Cases::KillPoints => "kill points",
        };
        write!(f, "{} of {} {what}", self.tried, self.of)
    }
}

/// How firmly an assertion pins a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmness {
    /// It was read from the catalog.
    LookedAt,
    /// Something was accepted, or something was rejected.
    ActedOutOneWay,
    /// Something was accepted, and something was rejected.
    ActedOutBothWays,
}

/// How an assertion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Proven,
    /// It does not hold.
    Refuted,
    /// It could not be checked.
    Error,
    /// It was not tried, because the database is in use: nothing is known of it.
    NotTried,
}

impl Evidence {
    /// The record of something that was proven, without any details.
    pub fn proven(schema: &str, location: String, subject: String, sentence: String) -> Evidence {
        Evidence {
            schema: schema.to_owned(),
            test: test_name(),
            location,
            subject,
            sentence,
            object: String::new(),
            behavioural: false,
            pins: Vec::new(),
            outcome: Outcome::Proven,
            not_tried: None,
            ended_test: false,
            message: None,
            cause: None,
            sqlstate: None,
            extent: None,
            accepted: BTreeSet::new(),
            undecided: None,
            exhibit: None,
            detail: None,
            made_at: None,
            micros: 0,
        }
    }

    /// The same record of something that was not tried, for this reason.
    #[must_use]
    pub fn not_tried(self, reason: NotTried) -> Evidence {
        Evidence { outcome: Outcome::NotTried, not_tried: Some(reason), behavioural: false, ..self }
    }
}

/// The name of the running test: the test harness uses it as the name of the thread.
pub fn test_name() -> String {
    std::thread::current().name().unwrap_or("unnamed").to_owned()
}

/// Writes a record to the run's directory, if there is one.
pub fn record(evidence: &Evidence) -> io::Result<()> {
    static FILE: OnceLock<Option<io::Result<File>>> = OnceLock::new();
    let open = || {
        let directory = std::env::var_os(EVIDENCE_VARIABLE)?;
        let file = Path::new(&directory).join(format!("{}.jsonl", std::process::id()));
        Some(OpenOptions::new().create(true).append(true).open(file))
    };
    let mut file = match FILE.get_or_init(open) {
        None => return Ok(()),
        Some(Ok(file)) => file,
        Some(Err(error)) => return Err(io::Error::new(error.kind(), error.to_string())),
    };
    let mut line = serde_json::to_string(evidence)?;
    line.push('\n');
    // One write per line: threads share the file.
    file.write_all(line.as_bytes())
}

/// Reads all records in a run's directory, in the order in which each process wrote them.
pub fn gather(directory: &Path) -> io::Result<Vec<Evidence>> {
    let mut files: Vec<_> = std::fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    files.sort_by_key(std::fs::DirEntry::path);
    let mut records = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file.path())?.lines() {
            records.push(serde_json::from_str(line)?);
        }
    }
    Ok(records)
}
