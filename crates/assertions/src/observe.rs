//! Results that a test of a suite computes itself, with the same evidence as an assertion: for promises that no
//! assertion covers, in databases other than a sandbox.

use std::fmt::Debug;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use pgproof_runner::evidence::{Evidence, Outcome, record};
use pgproof_runner::isolation::{Refusal, SchemaContext};
use pgproof_runner::{CloneDatabase, Sandbox};

use crate::check::described;

/// Begins an observation: `db.observe("003_seed.sql", "inserts seven rows").equals(rows, 7)`.
pub trait Observe {
    /// What is observed, and what must hold, as the end of a sentence that begins with `subject`.
    fn observe(&self, subject: impl Into<String>, sentence: impl Into<String>) -> Observation;
}

impl Observe for CloneDatabase {
    fn observe(&self, subject: impl Into<String>, sentence: impl Into<String>) -> Observation {
        Observation::new(self.context(), Refusal::default(), subject.into(), sentence.into())
    }
}

impl Observe for Sandbox {
    fn observe(&self, subject: impl Into<String>, sentence: impl Into<String>) -> Observation {
        Observation::new(self.context(), self.refusal(), subject.into(), sentence.into())
    }
}

/// A result of a test, to be compared with the expected one.
#[derive(Debug)]
#[must_use]
pub struct Observation {
    context: Arc<SchemaContext>,
    /// What the test was refused, on a database that is in use.
    refusal: Refusal,
    subject: String,
    sentence: String,
    started: Instant,
}

impl Observation {
    fn new(context: &Arc<SchemaContext>, refusal: Refusal, subject: String, sentence: String) -> Observation {
        Observation { context: Arc::clone(context), refusal, subject, sentence, started: Instant::now() }
    }

    /// Records that the value found is the expected one; panics if it is not.
    #[track_caller]
    pub fn equals<T: PartialEq<U> + Debug, U: Debug>(self, found: T, expected: U) {
        let message = (found != expected).then(|| format!("found {found:?}, expected {expected:?}"));
        self.conclude(message, Location::caller());
    }

    /// Records that something holds; panics with `found` if it does not.
    #[track_caller]
    pub fn holds(self, holds: bool, found: impl Into<String>) {
        self.conclude((!holds).then(|| found.into()), Location::caller());
    }

    fn conclude(self, message: Option<String>, location: &Location<'_>) {
        let at = format!("{}:{}", location.file(), location.line());
        let observed = Evidence {
            behavioural: true,
            outcome: if message.is_none() { Outcome::Proven } else { Outcome::Refuted },
            message,
            micros: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            ..Evidence::proven(self.context.name(), at, self.subject, self.sentence)
        };
        let evidence = match self.refusal.reason() {
            Some(reason) => Evidence { message: None, ..observed.not_tried(reason) },
            None => observed,
        };
        let recorded = record(&evidence);
        assert!(recorded.is_ok(), "the evidence cannot be written: {recorded:?}");
        if let Some(message) = described(&evidence) {
            panic!("{message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::scratch;

    #[test]
    fn what_is_expected_is_proven() {
        scratch("SELECT 1").observe("a sum", "is two").equals(1 + 1, 2);
    }

    #[test]
    #[should_panic(expected = "refuted: a sum is two\n  found 3, expected 2")]
    fn what_is_not_expected_is_refuted_with_both_values() {
        scratch("SELECT 1").observe("a sum", "is two").equals(1 + 2, 2);
    }
}
