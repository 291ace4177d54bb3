//! Executes assertions: each in its own savepoint; each leaves a record, and a failed one fails its test.

use std::panic::Location;
use std::time::Instant;

use pgproof_catalog::Catalog;
use pgproof_runner::evidence::{Evidence, Firmness, Outcome, Pinned, record};
use pgproof_runner::not_tried::was_denied;
use pgproof_runner::process::proves_database_in_use;
use pgproof_runner::{NotTried, Sandbox};
use pgproof_server::{DatabaseError, SqlState};
use pgproof_sql::with_causes;

use crate::origin::origin;
use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure};

/// Checks of assertions on a sandbox.
pub trait Check {
    /// Checks one assertion. If it is not proven, the test goes on, and fails when the sandbox is dropped at its end, with
    /// every assertion that was not proven.
    fn check(&mut self, assertion: impl Assertion);

    /// Checks all of them, as [`check`](Check::check) does. An empty list proves nothing and panics.
    fn check_all<A: Assertion>(&mut self, assertions: impl IntoIterator<Item = A>);
}

impl Check for Sandbox {
    #[track_caller]
    fn check(&mut self, assertion: impl Assertion) {
        self.check_all([assertion]);
    }

    #[track_caller]
    fn check_all<A: Assertion>(&mut self, assertions: impl IntoIterator<Item = A>) {
        let location = Location::caller();
        let mut checked = 0;
        for assertion in assertions {
            checked += 1;
            let evidence = examine(self, &assertion, location);
            if let Some(problem) = described(&evidence) {
                self.fail_at_end(problem);
            }
            if let Err(error) = record(&evidence) {
                self.fail_at_end(format!("the evidence cannot be written: {error}"));
            }
        }
        assert!(checked > 0, "no assertion was checked: an empty list proves nothing");
    }
}

impl<T: Assertion + ?Sized> Assertion for Box<T> {
    fn subject(&self) -> crate::assertion::Subject {
        (**self).subject()
    }

    fn sentence(&self) -> String {
        (**self).sentence()
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        (**self).pins(catalog)
    }

    fn exhibit(&self) -> Option<String> {
        (**self).exhibit()
    }

    fn detail(&self) -> Option<serde_json::Value> {
        (**self).detail()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        (**self).check(sandbox)
    }
}

/// Checks an assertion, rolls back the changes of the check, and builds the record.
///
/// On a database that is in use, an assertion that tried to write, or asked for a database of its own, is recorded as not
/// tried, whatever it made of the refusal.
pub fn examine(sandbox: &mut Sandbox, assertion: &impl Assertion, location: &Location<'_>) -> Evidence {
    let started = Instant::now();
    let (result, not_tried) = sandbox.tried(|sandbox| sandbox.undone(|sandbox| assertion.check(sandbox)));
    let not_tried = match &result {
        Err(Failure::NotTried(reason)) => Some(*reason),
        _ => not_tried,
    };
    let noted = sandbox.notes().take();
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let subject = assertion.subject();
    let error = result.as_ref().err().filter(|_| not_tried.is_none());
    let sqlstate = error.and_then(Failure::sqlstate).map(str::to_owned);
    let at_subject = || Some(Box::new(subject.object.clone().into()));
    let cause = match error {
        Some(Failure::Row(error)) => Some(error.root().to_string()),
        _ => None,
    };
    let blamed = match &result {
        Err(Failure::Row(error)) => error.blamed().map(|object| Box::new(object.into())),
        _ => None,
    };
    let (outcome, message, target) = match result {
        _ if not_tried.is_some() => (Outcome::NotTried, None, None),
        Ok(()) => (Outcome::Proven, None, None),
        Err(Failure::Refuted { found, target }) => (Outcome::Refuted, Some(found), target.or_else(at_subject)),
        Err(error) => (Outcome::Error, Some(with_causes(&error)), blamed.or_else(at_subject)),
    };
    let mut pins = Catalog::of(sandbox).map(|catalog| assertion.pins(&catalog)).unwrap_or_default();
    if not_tried.is_some() {
        pins.clear();
    }
    if noted.looked_at {
        for pin in &mut pins {
            pin.firmness = Firmness::LookedAt;
        }
    }
    let (is_proven, is_error) = (outcome == Outcome::Proven, outcome == Outcome::Error);
    // What prevented the check has nothing to do with what the assertion pins.
    let made_at = target.and_then(|target| origin(sandbox, &target, if is_error { &[] } else { &pins }));
    let location = format!("{}:{}", location.file(), location.line());
    Evidence {
        object: subject.object.to_string(),
        behavioural: pins.iter().any(|pin| pin.firmness > Firmness::LookedAt),
        pins: pins.iter().map(pinned).collect(),
        outcome,
        not_tried,
        message,
        cause,
        sqlstate,
        extent: noted.extent.filter(|_| not_tried.is_none()),
        accepted: noted.accepted,
        undecided: noted.undecided.filter(|_| is_proven),
        exhibit: assertion.exhibit().filter(|_| not_tried.is_none()),
        detail: assertion.detail().filter(|_| not_tried.is_none()),
        made_at,
        micros,
        ..Evidence::proven(sandbox.context().name(), location, subject.to_string(), assertion.sentence())
    }
}

fn pinned(pin: &Pin) -> Pinned {
    Pinned { object: pin.object.to_string(), property: pin.property.to_string(), firmness: pin.firmness }
}

/// The message of an assertion that was not proven.
pub fn described(evidence: &Evidence) -> Option<String> {
    let message = evidence.message.as_ref()?;
    let verdict = match evidence.outcome {
        Outcome::Error => "could not be checked",
        _ => "refuted",
    };
    let made_at = evidence.made_at.as_ref().map(|origin| format!("\n  defined at {origin}")).unwrap_or_default();
    let message = message.replace('\n', "\n  ");
    Some(format!("{verdict}: {} {}\n  {message}{made_at}", evidence.subject, evidence.sentence))
}

/// Records that something a test needs is not available, and fails the test.
#[track_caller]
pub fn fail(schema: &str, subject: &str, sentence: &str, message: &str, cause: Option<&DatabaseError>) -> ! {
    let location = Location::caller();
    let at = format!("{}:{}", location.file(), location.line());
    let record_of = Evidence::proven(schema, at, subject.to_owned(), sentence.to_owned());
    let evidence = match not_tried(cause) {
        Some(reason) => Evidence { ended_test: true, ..record_of.not_tried(reason) },
        None => Evidence {
            outcome: Outcome::Error,
            message: Some(message.to_owned()),
            sqlstate: cause.and_then(DatabaseError::class).map(str::to_owned),
            ..record_of
        },
    };
    // The panic reports it as well, in case writing the record fails.
    let _ = record(&evidence);
    panic!("{message}")
}

/// Whether what a test needs is missing only because the database is in use.
fn not_tried(cause: Option<&DatabaseError>) -> Option<NotTried> {
    if !proves_database_in_use() {
        return None;
    }
    let is_write = cause.and_then(DatabaseError::sqlstate) == Some(SqlState::READ_ONLY_SQL_TRANSACTION.code());
    if is_write { Some(NotTried::Writes) } else { was_denied().then_some(NotTried::OwnDatabase) }
}
