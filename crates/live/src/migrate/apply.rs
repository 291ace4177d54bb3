//! Applies pending files: statement by statement, trying again what does not get its lock, and telling what was done.

use std::path::Path;
use std::time::{Duration, Instant};

use pgproof_runner::migration::{MigrationError, StatementFailure, execute};
use pgproof_server::{DatabaseError, Session, SqlState};
use pgproof_sql::{Migration, Statement, Transaction};

use super::MigrateError;
use super::concurrent::IndexBuild;
use super::history::{Action, record};
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

/// How files are applied.
#[derive(Debug, Clone, Copy)]
pub struct Applying {
    /// What one transaction covers.
    pub transaction: Transaction,
    /// Indexes on tables of this many bytes or more are built concurrently.
    pub concurrently_from: Option<u64>,
    /// What the history says of the files, if the database has one.
    pub action: Action,
}

/// Applies these files in a session of [`Target::writer`], and says what happens.
///
/// A statement that fails ends it; what was committed before remains, and a later run goes on from there.
pub fn apply(
    target: &Target,
    session: &mut Session,
    files: &[Migration],
    how: Applying,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(), MigrateError> {
    for migration in files {
        tell(Event::File(&migration.file));
        let started = Instant::now();
        let mut run = Run { target, session, migration, how, started, tell };
        for unit in units(migration, how.transaction) {
            run.apply_unit(&unit)?;
        }
        let in_session = |source| MigrationError::Session { file: migration.file.clone(), source };
        // A file's SET must not leak into the next one; what this run has set for itself is among the session's defaults.
        session.run("DISCARD ALL").map_err(in_session)?;
        if target.settings.history {
            record(session, migration, how.action).map_err(in_session)?;
        }
        tell(Event::Applied(migration));
    }
    Ok(())
}

/// A file that is being applied.
struct Run<'a, 'b> {
    target: &'a Target,
    session: &'a mut Session,
    migration: &'a Migration,
    how: Applying,
    started: Instant,
    tell: &'a mut (dyn FnMut(Event<'_>) + 'b),
}

impl Run<'_, '_> {
    /// Applies a unit, as often as it takes to get its locks.
    fn apply_unit(&mut self, unit: &Unit) -> Result<(), MigrateError> {
        let mut pause = PAUSES.0;
        let mut times = 1;
        loop {
            let Err(error) = self.try_unit(unit) else { return Ok(()) };
            let is_lost =
                |state: &SqlState| error.database_error().and_then(DatabaseError::sqlstate) == Some(state.code());
            let can_wait = is_lost(&SqlState::LOCK_NOT_AVAILABLE)
                || is_lost(&SqlState::T_R_DEADLOCK_DETECTED)
                || is_lost(&SqlState::T_R_SERIALIZATION_FAILURE);
            if !can_wait {
                return Err(error.into());
            }
            let settings = &self.target.settings;
            if times > settings.lock_retries {
                let waited_s = settings.lock_timeout.as_secs_f64();
                return Err(MigrateError::Locked { waited_s, times, source: error });
            }
            // Outside a transaction this only warns.
            self.session.run("ROLLBACK").map_err(|source| self.in_session(source))?;
            let paused = jittered(pause);
            if let Some(from) = self.migration.statements.get(unit.statements.start) {
                (self.tell)(Event::Waits { from, pause: paused });
            }
            std::thread::sleep(paused);
            pause = (pause * 2).min(PAUSES.1);
            times += 1;
        }
    }

    fn try_unit(&mut self, unit: &Unit) -> Result<(), MigrationError> {
        let deadlines = self.session.deadlines();
        if unit.is_wrapped {
            self.session.run("BEGIN").map_err(|source| self.in_session(source))?;
        }
        let is_alone = !unit.is_wrapped && unit.statements.len() == 1;
        for statement in &self.migration.statements[unit.statements.clone()] {
            let too_slow = || MigrationError::FileDeadline { origin: statement.origin.clone(), limit: deadlines.file };
            let left = deadlines.file.checked_sub(self.started.elapsed()).ok_or_else(too_slow)?;
            (self.tell)(Event::Begins(statement));
            let failed = |error| MigrationError::Statement(Box::new(StatementFailure::new(statement, error)));
            let build = self.concurrent_build(statement, is_alone).map_err(failed)?;
            let limit = deadlines.statement.min(left);
            let rows = self.session.within(limit, |session| match &build {
                Some(build) => {
                    build.clear(session)?;
                    session.run(&build.text).map(|()| 0)
                }
                None => execute(session, statement),
            });
            (self.tell)(Event::Done(statement, rows.map_err(failed)?));
        }
        if unit.is_wrapped {
            self.session.run("COMMIT").map_err(|source| self.in_session(source))?;
        }
        Ok(())
    }

    /// The statement as a concurrent build of an index, if it is one on a large table.
    fn concurrent_build(&mut self, statement: &Statement, is_alone: bool) -> Result<Option<IndexBuild>, DatabaseError> {
        let Some(least) = self.how.concurrently_from.filter(|_| is_alone) else { return Ok(None) };
        let Some(build) = IndexBuild::of(statement, self.how.transaction) else { return Ok(None) };
        Ok(build.is_large(self.session, least)?.then_some(build))
    }

    fn in_session(&self, source: DatabaseError) -> MigrationError {
        MigrationError::Session { file: self.migration.file.clone(), source }
    }
}

/// Between half of a pause and all of it, so that two runs do not meet again.
fn jittered(pause: Duration) -> Duration {
    let part = u32::try_from(pgproof_server::random::number() % 1000).unwrap_or_default();
    pause / 2 + pause / 2 * part / 1000
}
