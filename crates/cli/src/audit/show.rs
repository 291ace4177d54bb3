//! Shows findings as text and as JSON.

use std::fmt;
use std::path::Path;

use pgproof_sql::Layout;
use serde_json::{Value, json};

use super::check::{Check, table};
use super::finding::Finding;
use super::rule::Rule;

/// The version of the JSON document.
const FORMAT: u32 = 1;

/// The result of an audit.
pub(super) struct Audit<'a> {
    pub(super) path: &'a Path,
    pub(super) layout: &'a Layout,
    pub(super) major: u16,
    pub(super) findings: &'a [Finding],
    /// What was tried.
    pub(super) checks: &'a [Check],
}

impl Audit<'_> {
    fn statements(&self) -> usize {
        self.layout.migrations.iter().map(|migration| migration.statements.len()).sum()
    }

    /// The document for programs.
    pub(super) fn to_json(&self) -> Value {
        let violated = |rule: &Rule| self.findings.iter().any(|finding| finding.rule == *rule);
        let rules: Vec<Value> = Rule::ALL.into_iter().filter(violated).map(Rule::to_sarif).collect();
        json!({
            "format": FORMAT,
            "path": self.path,
            "layout": self.layout.style.name(),
            "postgresql": self.major,
            "migrations": self.layout.migrations.len(),
            "rollbacks": self.layout.rollbacks.len(),
            "statements": self.statements(),
            "rules": rules,
            "checks": self.checks,
            "findings": self.findings,
        })
    }
}

impl fmt::Display for Audit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = |count: usize| format!("{count} file{}", if count == 1 { "" } else { "s" });
        writeln!(
            f,
            "{}: {}, {} statements, {} to roll back; {}; PostgreSQL {}\n",
            self.path.display(),
            files(self.layout.migrations.len()),
            self.statements(),
            files(self.layout.rollbacks.len()),
            self.layout.style.name(),
            self.major
        )?;
        for (finding, number) in self.findings.iter().zip(1..) {
            let (severity, rule) = (finding.severity.name(), finding.rule.name());
            let at = finding.at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
            writeln!(f, "{number}. {at}{severity} ({rule})")?;
            if let Some(cause) = finding.follows_from {
                writeln!(f, "   follows from {cause}")?;
            }
            writeln!(f, "   {}", finding.message.replace('\n', "\n   "))?;
            if let Some(advice) = finding.advice.as_ref().filter(|_| finding.follows_from.is_none()) {
                writeln!(f, "   to do: {advice}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "{}", table(self.checks))?;
        let consequences = self.findings.iter().filter(|finding| finding.follows_from.is_some()).count();
        match (self.findings.len(), consequences) {
            (0, _) => writeln!(f, "no findings"),
            (found, 0) => writeln!(f, "findings: {found}"),
            (found, follow) => writeln!(f, "findings: {found}, {follow} of them consequences of others"),
        }
    }
}
