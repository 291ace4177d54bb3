//! Where a run can stop, and whether running everything again from there leads where one clean run does. One run finds this
//! out for all the places that the properties want: at each, what has run so far is run again, in a transaction that is
//! rolled back. If that changes nothing, what comes after it has what a clean run has. Otherwise nothing is certain, and the
//! properties try it in databases of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use pgproof_assertions::assertion::Failure;
use pgproof_assertions::assertion::impossible;
use pgproof_catalog::{Baseline, Touched};
use pgproof_runner::CloneDatabase;
use pgproof_runner::migration::{apply_inside, apply_observed};
use pgproof_server::{DatabaseError, Session};

use super::database::{Runs, failing};
use super::positions::Positions;
use super::repetition::changes_nothing;
use super::undone::{Unsure, undone};

/// The stops of runs after which everything is certain to be well, by the text of the migrations. They hang on the template.
#[derive(Default)]
struct Certain(Mutex<BTreeMap<String, Arc<BTreeSet<usize>>>>);

impl Runs {
    /// The stops, as numbers of statements, from which a run of everything certainly leads to the state of a clean run, among
    /// those that the properties try. From the last one, it certainly changes nothing.
    pub(super) fn certain(&self) -> Result<Arc<BTreeSet<usize>>, Failure> {
        let kept = self.template().cache().kept::<Certain>();
        let mut kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.text();
        if let Some(certain) = kept.get(&key) {
            return Ok(Arc::clone(certain));
        }
        let mut stops: BTreeSet<usize> = self.kills()?.into_iter().map(|after| self.committed(after)).collect();
        stops.extend(self.resumptions()?.into_iter().map(|files| self.statements_of(files)));
        let certain = Arc::new(self.run_with_stops(&stops)?);
        kept.insert(key, Arc::clone(&certain));
        Ok(certain)
    }

    /// How many statements are in the first files.
    pub(super) fn statements_of(&self, files: usize) -> usize {
        self.migrations.iter().take(files).map(|migration| migration.statements.len()).sum()
    }

    /// How many of the first statements last if the run is killed after them: those of an open transaction do not.
    pub(super) fn committed(&self, statements: usize) -> usize {
        let (mut count, mut last) = (0, 0);
        for migration in &*self.migrations {
            let mut inside = migration.is_one_transaction(self.transaction());
            for (statement, number) in migration.statements.iter().zip(1..) {
                if count == statements {
                    return last;
                }
                count += 1;
                if statement.begins_transaction() {
                    inside = true;
                } else if statement.ends_transaction() {
                    inside = false;
                }
                if !inside || number == migration.statements.len() {
                    last = count;
                }
            }
        }
        last
    }

    /// Applies everything once, and runs again what has run at each stop and at the end.
    fn run_with_stops(&self, stops: &BTreeSet<usize>) -> Result<BTreeSet<usize>, Failure> {
        let database = self.empty()?;
        let mut found = self.apply_with_stops(&database, stops)?;
        let at_end = Positions::all(&mut database.migration_session()?)?;
        let migrated = database.into_template();
        if !found.is_elsewhere {
            self.keep_migrated(&migrated);
        }
        // From here on, numbers are taken as by a user.
        let copy = CloneDatabase::copy_of(&migrated).map_err(impossible)?;
        let mut session = copy.migration_session()?;
        at_end.take_numbers(&mut session)?;
        found.try_stop(self, &mut session, self.statements())?;
        let last = found.moved.remove(&self.statements()).map(|_| self.statements());
        // Whoever comes later must not get other numbers than in a clean run.
        let certain = found.moved.into_iter().filter(|(_, moved)| moved.are_in(&at_end)).map(|(stop, _)| stop);
        Ok(certain.chain([0]).chain(last).collect())
    }

    fn apply_with_stops(&self, database: &CloneDatabase, stops: &BTreeSet<usize>) -> Result<Found, Failure> {
        let failed = |error| failing(&error, format!("they do not apply: {error}"));
        let mut found = Found::default();
        let mut session = database.session_for(&self.migrations).map_err(failed)?;
        let mut other = database.migration_session()?;
        let (mut count, all) = (0, self.statements());
        for migration in &*self.migrations {
            let end = count + migration.statements.len();
            let mut observe = |_: &mut Session, _: &_| {
                count += 1;
                if count < end && stops.contains(&count) && self.committed(count) == count {
                    found.try_stop(self, &mut other, count)?;
                }
                Ok(())
            };
            apply_observed(&mut session, std::slice::from_ref(migration), self.transaction(), &mut observe)
                .map_err(failed)?;
            if end < all && stops.contains(&end) {
                found.try_stop(self, &mut other, end)?;
            }
        }
        Ok(found)
    }

    /// Runs the first statements in the open transaction, each file with a session in its initial state. Another session may
    /// hold locks for longer than this one should wait.
    fn run_first(&self, session: &mut Session, statements: usize) -> Result<(), Unsure> {
        let mut left = statements;
        for migration in self.migrations.iter().take_while(|_| statements > 0) {
            session.run("DISCARD TEMP; RESET ALL; RESET SESSION AUTHORIZATION; SET lock_timeout = '1s'")?;
            apply_inside(session, migration, 0..left.min(migration.statements.len()))?;
            session.run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")?;
            left = left.saturating_sub(migration.statements.len());
            if left == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// What was found out.
#[derive(Default)]
struct Found {
    /// The stops at which nothing changed, with the sequences of which numbers were used up and the positions they had.
    moved: BTreeMap<usize, Positions>,
    /// Whether sequences are not where a clean run leaves them, so that nothing more can be found out.
    is_elsewhere: bool,
}

impl Found {
    fn try_stop(&mut self, runs: &Runs, session: &mut Session, stop: usize) -> Result<(), DatabaseError> {
        if self.is_elsewhere && stop < runs.statements() {
            return Ok(());
        }
        let known = Positions::all(session)?;
        let before = Baseline::read(session)?;
        let moved = undone(session, |session| {
            Ok(changes_nothing(session, &before, &Touched::default(), &known, |session| runs.run_first(session, stop))?)
        })?;
        match moved.flatten() {
            Some(moved) => drop(self.moved.insert(stop, moved)),
            None => self.is_elsewhere |= Positions::all(session)? != known,
        }
        Ok(())
    }
}
