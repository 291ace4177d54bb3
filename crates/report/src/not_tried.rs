//! What was not tried because the database is in use: by reason, and by the kind of object that it is about.

use std::collections::BTreeMap;
use std::fmt;

use pgproof_runner::NotTried;
use pgproof_runner::evidence::Evidence;
use pgproof_sql::ObjectKind;

use super::SchemaReport;

/// From this many on, what was not tried for one reason is counted by kind, and not listed.
const MANY: usize = 20;

/// What was not tried of a schema for one reason.
#[derive(Debug)]
pub(super) struct Untried<'a> {
    pub reason: NotTried,
    pub assertions: Vec<&'a Evidence>,
}

/// What was not tried of a schema.
pub(super) fn not_tried(schema: &SchemaReport) -> Vec<Untried<'_>> {
    let mut by_reason: BTreeMap<NotTried, Vec<&Evidence>> = BTreeMap::new();
    let tests = schema.sections.iter().flat_map(|section| &section.tests);
    for evidence in tests.flat_map(|test| &test.assertions) {
        if let Some(reason) = evidence.not_tried {
            by_reason.entry(reason).or_default().push(evidence);
        }
    }
    by_reason.into_iter().map(|(reason, assertions)| Untried { reason, assertions }).collect()
}

impl Untried<'_> {
    /// How many there are of each kind of object, the most first.
    fn by_kind(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for evidence in &self.assertions {
            *counts.entry(kind(evidence)).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Untried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "not tried, because {}: {} ({})", self.reason, self.assertions.len(), self.by_kind())?;
        if self.assertions.len() >= MANY {
            return Ok(());
        }
        for evidence in &self.assertions {
            writeln!(f, "  {} {}", evidence.subject, evidence.sentence)?;
        }
        Ok(())
    }
}

/// The kind of object that it is about.
fn kind(evidence: &Evidence) -> &str {
    if evidence.ended_test {
        return "test";
    }
    let is_kind = |kind: &ObjectKind| {
        evidence.object.strip_prefix(kind.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    ObjectKind::ALL.iter().find(|kind| is_kind(kind)).map_or("observation", |kind| kind.name())
}
