//! A finding: what is wrong or doubtful, where, and what to do about it.

use pgproof_sql::Origin;
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It does not work.
    Error,
    /// It works, and will hurt.
    Warning,
    /// It is good to know.
    Note,
}

/// Something that was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    /// What was broken: `applies`, `again`, `killed`, `at-once`, `rollback`.
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    /// The place, where there is one.
    pub(super) at: Option<Origin>,
    pub(super) message: String,
    /// What to do.
    pub(super) advice: Option<String>,
    /// The number, from 1, of the finding that this one only follows from.
    pub(super) follows_from: Option<usize>,
}
