//! Tries the properties of one file in a transaction that is rolled back, on the state that stands before the file. It finds
//! out that a property holds; if it does not find that, the property may still hold: other commands decide then.

use std::collections::BTreeSet;
use std::ops::Range;

use pgproof_catalog::{Baseline, Touched};
use pgproof_runner::migration::apply_inside;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Migration, Statement};

use super::Volatile;
use super::by_file::FileProperty;
use super::positions::Positions;
use super::repetition::changes_nothing;
use super::undone::{Unsure, plainly, undone};

/// One file, with what is needed to try its properties.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    pub(super) migration: &'a Migration,
    /// Its down migration.
    pub(super) back: Option<&'a Migration>,
    /// Whether the file is applied in one transaction, so that a kill leaves nothing of it.
    pub(super) in_transaction: bool,
    /// At how many points it is killed, at most.
    pub(super) cases: usize,
}

impl Trial<'_> {
    /// Those of the properties that hold for certain. The database is as before.
    pub(super) fn holding(
        &self,
        session: &mut Session,
        properties: &[FileProperty],
    ) -> Result<BTreeSet<FileProperty>, DatabaseError> {
        let mut holding = BTreeSet::new();
        let wants = |property| properties.contains(&property);
        if wants(FileProperty::Killed) && self.in_transaction {
            holding.insert(FileProperty::Killed);
        }
        if !can_be_tried(self.migration) {
            return Ok(holding);
        }
        let before = Baseline::read(session)?;
        let points = if wants(FileProperty::Killed) && !self.in_transaction { self.kill_points() } else { Vec::new() };
        if let Some(repeated) = undone(session, |session| self.repeated(session, &before, &points))? {
            holding.extend(repeated.into_iter().filter(|property| wants(*property)));
        }
        if let Some(back) = self.back.filter(|back| wants(FileProperty::RolledBack) && can_be_tried(back))
            && self.is_rolled_back(session, &before, back)?
        {
            holding.insert(FileProperty::RolledBack);
        }
        Ok(holding)
    }

    /// Applies the file, and runs again what has run at each of the points and at the end. Nothing changes by it at the
    /// points: killed there, a whole run has what a clean one has. Nothing changes by it at the end: it runs again.
    fn repeated(
        &self,
        session: &mut Session,
        before: &Baseline,
        points: &[usize],
    ) -> Result<Vec<FileProperty>, Unsure> {
        let all = self.migration.statements.len();
        let (mut done, mut moved) = (0, Some(Vec::new()));
        for point in points {
            apply_inside(session, self.migration, done..*point)?;
            done = *point;
            let Some(mut so_far) = moved.take() else { continue };
            let touched = Touched::since(session, before)?;
            moved = self.repeat(session, before, &touched, *point)?.map(|more| {
                so_far.push(more);
                so_far
            });
        }
        Trial::apply(session, self.migration, done..all)?;
        let mut holding = Vec::new();
        let mut killed = moved.is_some() && !self.in_transaction;
        for moved in moved.into_iter().flatten() {
            // The rest of the file must not get other numbers than in a clean run.
            killed = killed && moved.still_stand(session)?;
        }
        if killed {
            holding.push(FileProperty::Killed);
        }
        let touched = Touched::since(session, before)?;
        Positions::of(session, &touched)?.take_numbers(session)?;
        if self.repeat(session, before, &touched, all)?.is_some() {
            holding.push(FileProperty::Again);
        }
        Ok(holding)
    }

    /// Runs the first statements once more.
    fn repeat(
        &self,
        session: &mut Session,
        before: &Baseline,
        touched: &Touched,
        statements: usize,
    ) -> Result<Option<Positions>, DatabaseError> {
        let known = Positions::of(session, touched)?;
        changes_nothing(session, before, touched, &known, |session| {
            session.run("RESET ALL; RESET SESSION AUTHORIZATION")?;
            Trial::apply(session, self.migration, 0..statements)
        })
    }

    /// Points at which a kill leaves a part of the file: outside the transactions that it begins itself.
    fn kill_points(&self) -> Vec<usize> {
        let mut inside = false;
        let mut points = Vec::new();
        for (statement, number) in self.migration.statements.iter().zip(1..) {
            if statement.begins_transaction() {
                inside = true;
            } else if statement.ends_transaction() {
                inside = false;
            }
            if !inside && number < self.migration.statements.len() {
                points.push(number);
            }
        }
        let step = points.len().div_ceil(self.cases.max(1)).max(1);
        points.into_iter().step_by(step).collect()
    }

    /// Its down migration leads back, and the file can be applied again.
    fn is_rolled_back(
        &self,
        session: &mut Session,
        before: &Baseline,
        back: &Migration,
    ) -> Result<bool, DatabaseError> {
        let states = undone(session, |session| {
            Trial::apply_all(session, self.migration)?;
            session.run("SAVEPOINT applied")?;
            Trial::apply_all(session, back)?;
            let touched = Touched::since(session, before)?;
            let rolled_back = plainly(session, &touched)?;
            Trial::apply_all(session, self.migration)?;
            let all = Touched::since(session, before)?;
            let again = plainly(session, &all)?;
            session.run("ROLLBACK TO applied")?;
            let same = again.changes_from(&plainly(session, &all)?, &Volatile::new()).is_empty();
            Ok(same.then_some((touched, rolled_back)))
        })?;
        let Some((touched, rolled_back)) = states.flatten() else { return Ok(false) };
        let same = undone(session, |session| {
            Ok(rolled_back.changes_from(&plainly(session, &touched)?, &Volatile::new()).is_empty())
        })?;
        Ok(same == Some(true))
    }

    fn apply_all(session: &mut Session, migration: &Migration) -> Result<(), Unsure> {
        Trial::apply(session, migration, 0..migration.statements.len())
    }

    fn apply(session: &mut Session, migration: &Migration, statements: Range<usize>) -> Result<(), Unsure> {
        apply_inside(session, migration, statements)?;
        session.run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")?;
        session.run("RESET ALL; RESET SESSION AUTHORIZATION")?;
        Ok(())
    }
}

/// Whether all of a file can run in one transaction.
fn can_be_tried(migration: &Migration) -> bool {
    !migration.statements.iter().any(Statement::needs_no_transaction)
}
