//! Applies pending files: statement by statement, trying again what does not get its lock, and telling what was done.

use std::path::Path;
use std::time::{Duration, Instant};

use pgproof_runner::migration::{MigrationError, StatementFailure, execute};
use pgproof_server::{DatabaseError, Session, SqlState};
use pgproof_sql::{Migration, Statement, Transaction};

use super::MigrateError;
use super::units::{Unit, units};
use crate::Target;

/// The shortest and the longest pause before a unit is tried again. It doubles each time.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What happens while files are applied.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A file begins.
    File(&'a Path),
    /// A statement begins.
    Begins(&'a Statement),
    /// A statement has succeeded, and affected this many rows.
    Done(&'a Statement, u64),
    /// A lock was not obtained: after this pause, it is tried again from this statement.
    Waits {
        /// The statement that is tried first.
        from: &'a Statement,
        /// How long the pause is.
        pause: Duration,
    },
    /// A file has been applied.
    Applied(&'a Migration),
}

/// Applies these files in a session of [`Target::writer`], and says what happens.
///
/// A statement that fails ends it; what was committed before remains, and a later run goes on from there.
pub fn apply(
    target: &Target,
    session: &mut Session,
    files: &[Migration],
    transaction: Transaction,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(), MigrateError> {
    for migration in files {
        tell(Event::File(&migration.file));
        let started = Instant::now();
        for unit in units(migration, transaction) {
            apply_unit(target, session, migration, &unit, started, tell)?;
        }
        let in_session = |source| MigrationError::Session { file: migration.file.clone(), source };
        // A file's SET must not leak into the next one; what this run has set for itself is among the session's defaults.
        session.run("DISCARD ALL").map_err(in_session)?;
        tell(Event::Applied(migration));
    }
    Ok(())
}

/// Applies a unit, as often as it takes to get its locks.
fn apply_unit(
    target: &Target,
    session: &mut Session,
    migration: &Migration,
    unit: &Unit,
    started: Instant,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(), MigrateError> {
    let mut pause = PAUSES.0;
    let mut times = 1;
    loop {
        let Err(error) = try_unit(session, migration, unit, started, tell) else { return Ok(()) };
        let is_lost = |state: &SqlState| error.database_error().and_then(DatabaseError::sqlstate) == Some(state.code());
        let can_wait = is_lost(&SqlState::LOCK_NOT_AVAILABLE)
            || is_lost(&SqlState::T_R_DEADLOCK_DETECTED)
            || is_lost(&SqlState::T_R_SERIALIZATION_FAILURE);
        if !can_wait {
            return Err(error.into());
        }
        let waited = target.settings.lock_timeout;
        if times > target.settings.lock_retries {
            return Err(MigrateError::Locked { waited_s: waited.as_secs_f64(), times, source: error });
        }
        let in_session = |source| MigrationError::Session { file: migration.file.clone(), source };
        // Outside a transaction this only warns.
        session.run("ROLLBACK").map_err(in_session)?;
        let paused = jittered(pause);
        if let Some(from) = migration.statements.get(unit.statements.start) {
            tell(Event::Waits { from, pause: paused });
        }
        std::thread::sleep(paused);
        pause = (pause * 2).min(PAUSES.1);
        times += 1;
    }
}

fn try_unit(
    session: &mut Session,
    migration: &Migration,
    unit: &Unit,
    started: Instant,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(), MigrationError> {
    let in_session = |source| MigrationError::Session { file: migration.file.clone(), source };
    let deadlines = session.deadlines();
    if unit.is_wrapped {
        session.run("BEGIN").map_err(in_session)?;
    }
    for statement in &migration.statements[unit.statements.clone()] {
        let too_slow = || MigrationError::FileDeadline { origin: statement.origin.clone(), limit: deadlines.file };
        let left = deadlines.file.checked_sub(started.elapsed()).ok_or_else(too_slow)?;
        tell(Event::Begins(statement));
        let rows = session
            .within(deadlines.statement.min(left), |session| execute(session, statement))
            .map_err(|error| MigrationError::Statement(Box::new(StatementFailure::new(statement, error))))?;
        tell(Event::Done(statement, rows));
    }
    if unit.is_wrapped {
        session.run("COMMIT").map_err(in_session)?;
    }
    Ok(())
}

/// Between half of a pause and all of it, so that two runs do not meet again.
fn jittered(pause: Duration) -> Duration {
    let part = u32::try_from(pgproof_server::random::number() % 1000).unwrap_or_default();
    pause / 2 + pause / 2 * part / 1000
}
