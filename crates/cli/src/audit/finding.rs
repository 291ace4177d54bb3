//! A finding: a problem, its location, and what to do about it.

use pgproof_sql::Origin;
use serde::Serialize;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It does not work.
    Error,
    /// It works, but will cause problems.
    Warning,
    /// For information.
    Note,
}

/// A problem that was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    /// The violated rule: `applies`, `again`, `killed`, `at-once`, `rollback`.
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    /// The location, if known.
    pub(super) at: Option<Origin>,
    pub(super) message: String,
    /// What to do.
    pub(super) advice: Option<String>,
    /// The number, from 1, of the finding that this one follows from.
    pub(super) follows_from: Option<usize>,
}
