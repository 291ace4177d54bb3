//! Shared by the tests of the assertions: a scratch database, and the message of an assertion that must fail.

use std::panic::Location;

use pgproof_runner::Sandbox;
use pgproof_runner::evidence::Outcome;
use pgproof_sql::with_causes;

use crate::assertion::Assertion;
use crate::{check::described, check::examine};

/// An empty database in which `sql` was run.
#[track_caller]
pub fn scratch(sql: &str) -> Sandbox {
    Sandbox::scratch(sql).unwrap_or_else(|error| panic!("{}", with_causes(&error)))
}

/// Requires that the assertion is proven.
#[track_caller]
pub fn proven(sandbox: &mut Sandbox, assertion: impl Assertion) {
    let evidence = examine(sandbox, &assertion, Location::caller());
    assert_eq!(evidence.outcome, Outcome::Proven, "{}", described(&evidence).unwrap_or_default());
}

/// Requires that the assertion is refuted, and returns the message.
#[track_caller]
pub fn refuted(sandbox: &mut Sandbox, assertion: impl Assertion) -> String {
    let evidence = examine(sandbox, &assertion, Location::caller());
    let message = described(&evidence).unwrap_or_else(|| panic!("proven: {} {}", evidence.subject, evidence.sentence));
    assert_eq!(evidence.outcome, Outcome::Refuted, "{message}");
    message
}
