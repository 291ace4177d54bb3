//! A finding: a violated rule, its location, and what to do about it.

use pgproof_sql::Origin;
use serde::Serialize;

use super::rule::{Rule, Severity};

/// A problem that was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    /// The violated rule.
    pub(super) rule: Rule,
    pub(super) severity: Severity,
    /// The location, if known.
    pub(super) at: Option<Origin>,
    pub(super) message: String,
    /// What to do.
    pub(super) advice: Option<String>,
    /// The number, from 1, of the finding that this one follows from.
    pub(super) follows_from: Option<usize>,
}

impl Finding {
    /// A violation, as severe as the rule says.
    pub(super) fn new(rule: Rule, at: Option<Origin>, message: String) -> Finding {
        Finding { rule, severity: rule.severity(), at, message, advice: None, follows_from: None }
    }

    /// With what to do.
    pub(super) fn advised(self, advice: impl Into<String>) -> Finding {
        Finding { advice: Some(advice.into()), ..self }
    }

    /// Of another severity than the rule's.
    pub(super) fn with_severity(self, severity: Severity) -> Finding {
        Finding { severity, ..self }
    }
}
