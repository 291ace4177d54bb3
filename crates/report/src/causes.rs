//! Causes that keep many assertions from being proven: one CHECK too many, and no row can be made for any of them. The
//! report shows such a cause once, before everything else.

use std::collections::BTreeMap;

use pgproof_runner::evidence::{Evidence, Outcome};

use super::{SchemaReport, TestReport};

/// From this many assertions on, a common message is shown once.
const MANY: usize = 3;

/// What several assertions have in common that are not proven.
#[derive(Debug)]
pub(super) struct Cause<'a> {
    /// The message of all of them.
    pub message: &'a str,
    /// The first of them; its place is where the cause was made.
    pub first: &'a Evidence,
    /// How many there are.
    pub assertions: usize,
    /// In how many tests.
    pub tests: usize,
}

/// The causes in a schema, the one with most assertions first.
pub(super) fn causes(schema: &SchemaReport) -> Vec<Cause<'_>> {
    let mut by_message: BTreeMap<&str, Vec<(&TestReport, &Evidence)>> = BTreeMap::new();
    for test in schema.sections.iter().flat_map(|section| &section.tests) {
        for evidence in &test.assertions {
            if let Some(message) = shared_message(evidence) {
                by_message.entry(message).or_default().push((test, evidence));
            }
        }
    }
    let mut causes: Vec<_> = by_message
        .into_iter()
        .filter(|(_, found)| found.len() >= MANY)
        .filter_map(|(message, found)| {
            let mut names: Vec<_> = found.iter().map(|(test, _)| &test.name).collect();
            names.dedup();
            let (_, first) = found.first()?;
            Some(Cause { message, first, assertions: found.len(), tests: names.len() })
        })
        .collect();
    causes.sort_by(|one, other| other.assertions.cmp(&one.assertions).then(one.message.cmp(other.message)));
    causes
}

/// What kept an assertion from being checked: it names the obstacle, not the assertion.
pub(super) fn shared_message(evidence: &Evidence) -> Option<&str> {
    evidence.cause.as_deref().or(evidence.message.as_deref()).filter(|_| evidence.outcome == Outcome::Error)
}
