//! The databases that a suite's fixtures hand to its tests. One that cannot be had fails the test, and makes `verify`
//! end with "could not run" instead of "refuted".

use std::panic::Location;

use pgproof_runner::evidence::{Evidence, Outcome, record};
use pgproof_runner::isolation::IsolationError;
use pgproof_runner::{CloneDatabase, Sandbox, with_causes};

/// A sandbox on the schema of this name in `pgproof.toml`.
#[track_caller]
pub fn sandbox(schema: &str) -> Sandbox {
    or_fail(schema, Sandbox::of(schema))
}

/// A database of its own, for what a sandbox cannot hold.
#[track_caller]
pub fn clone_database(schema: &str) -> CloneDatabase {
    or_fail(schema, CloneDatabase::of(schema))
}

#[track_caller]
fn or_fail<T>(schema: &str, result: Result<T, IsolationError>) -> T {
    result.unwrap_or_else(|error| fail(schema, "database", "is ready", &with_causes(&error)))
}

/// Records that something a test needs could not be had, and fails the test.
#[track_caller]
pub(crate) fn fail(schema: &str, subject: &str, sentence: &str, message: &str) -> ! {
    let location = Location::caller();
    let evidence = Evidence {
        schema: schema.to_owned(),
        test: crate::check::test_name(),
        location: format!("{}:{}", location.file(), location.line()),
        subject: subject.to_owned(),
        sentence: sentence.to_owned(),
        behavioural: false,
        outcome: Outcome::Failed,
        message: Some(message.to_owned()),
        made_at: None,
        micros: 0,
    };
    // The panic tells it as well, should this not be written.
    let _ = record(&evidence);
    panic!("{message}")
}
