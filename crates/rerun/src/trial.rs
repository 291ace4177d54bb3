//! Tries the properties of one file in a transaction that is rolled back, on the state that stands before the file. It finds
//! out that a property holds; if it does not find that, the property may still hold: other commands decide then.

use std::collections::BTreeSet;

use pgproof_catalog::Touched;
use pgproof_runner::migration::apply_inside;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Migration, Statement};

use super::by_file::FileProperty;
use super::repeat::TAKE_NUMBERS;
use super::{State, Volatile};

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
        for property in properties {
            let holds = match (property, self.back) {
                (FileProperty::Killed, _) if self.in_transaction => true,
                _ if !can_be_tried(self.migration) => false,
                (FileProperty::Again, _) => undone(session, |session| self.runs_again(session))?,
                (FileProperty::Killed, _) => self.survives_kills(session)?,
                (FileProperty::RolledBack, Some(back)) if can_be_tried(back) => self.is_rolled_back(session, back)?,
                (FileProperty::RolledBack, _) => false,
            };
            if holds {
                holding.insert(*property);
            }
        }
        Ok(holding)
    }

    /// Run a second time in the same transaction, it changes nothing.
    fn runs_again(&self, session: &mut Session) -> Result<bool, Unsure> {
        Trial::apply(session, self.migration)?;
        session.run(TAKE_NUMBERS)?;
        let writes = Touched::writes(session)?;
        session.run("SAVEPOINT again")?;
        Trial::apply(session, self.migration)?;
        // Numbers are used up even if the transaction is rolled back; setting them back is noticed by the state.
        if Touched::writes(session)? == writes {
            let touched = Touched::default();
            let now = State::of_touched(session, &touched)?;
            session.run("ROLLBACK TO again")?;
            return Ok(now.changes_since(&State::of_touched(session, &touched)?).is_empty());
        }
        let touched = Touched::in_transaction(session)?;
        let now = plainly(session, &touched)?;
        session.run("ROLLBACK TO again")?;
        Ok(now.changes_since(&plainly(session, &touched)?).is_empty())
    }

    /// After its first statements, a whole run leads to the state of a whole run alone.
    fn survives_kills(&self, session: &mut Session) -> Result<bool, DatabaseError> {
        for statements in self.kill_points() {
            let mut killed = None;
            let applied = undone(session, |session| {
                apply_inside(session, self.migration, statements)?;
                session.run("RESET ALL; RESET SESSION AUTHORIZATION")?;
                Trial::apply(session, self.migration)?;
                let touched = Touched::in_transaction(session)?;
                killed = Some((plainly(session, &touched)?, touched));
                Ok(true)
            })?;
            let Some((killed, touched)) = killed.filter(|_| applied) else { return Ok(false) };
            let same = undone(session, |session| {
                Trial::apply(session, self.migration)?;
                // What the file creates has other OIDs here.
                let touched = touched.and(Touched::in_transaction(session)?);
                Ok(killed.changes_from(&plainly(session, &touched)?, &Volatile::new()).is_empty())
            })?;
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
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
    fn is_rolled_back(&self, session: &mut Session, back: &Migration) -> Result<bool, DatabaseError> {
        let mut states = None;
        let applied = undone(session, |session| {
            Trial::apply(session, self.migration)?;
            session.run("SAVEPOINT applied")?;
            Trial::apply(session, back)?;
            let touched = Touched::in_transaction(session)?;
            let rolled_back = plainly(session, &touched)?;
            Trial::apply(session, self.migration)?;
            let all = Touched::in_transaction(session)?;
            let again = plainly(session, &all)?;
            session.run("ROLLBACK TO applied")?;
            let same = again.changes_from(&plainly(session, &all)?, &Volatile::new()).is_empty();
            states = Some((touched, rolled_back));
            Ok(same)
        })?;
        let Some((touched, rolled_back)) = states.filter(|_| applied) else { return Ok(false) };
        undone(session, |session| {
            Ok(rolled_back.changes_from(&plainly(session, &touched)?, &Volatile::new()).is_empty())
        })
    }

    fn apply(session: &mut Session, migration: &Migration) -> Result<(), Unsure> {
        apply_inside(session, migration, usize::MAX)?;
        session.run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")?;
        session.run("RESET ALL; RESET SESSION AUTHORIZATION")?;
        Ok(())
    }
}

/// Why a trial decides nothing: a statement fails, perhaps only because it is in a transaction with others.
enum Unsure {
    Failed,
    Lost(DatabaseError),
}

impl From<DatabaseError> for Unsure {
    fn from(error: DatabaseError) -> Unsure {
        match error {
            DatabaseError::Reported(report) if !report.ends_session() => Unsure::Failed,
            error => Unsure::Lost(error),
        }
    }
}

impl From<pgproof_runner::migration::MigrationError> for Unsure {
    fn from(error: pgproof_runner::migration::MigrationError) -> Unsure {
        match error.into_database_error() {
            Some(error) => error.into(),
            None => Unsure::Failed,
        }
    }
}

/// Does something in a transaction that is rolled back. What fails is not decided.
fn undone(
    session: &mut Session,
    act: impl FnOnce(&mut Session) -> Result<bool, Unsure>,
) -> Result<bool, DatabaseError> {
    session.run("BEGIN")?;
    let result = act(session);
    if let Err(Unsure::Lost(error)) = result {
        return Err(error);
    }
    session.run("ROLLBACK")?;
    Ok(result.is_ok_and(|holds| holds))
}

/// The state of what a transaction has touched, whatever settings a file has left: names are printed with their schemas if
/// these are not on the search path.
fn plainly(session: &mut Session, touched: &Touched) -> Result<State, DatabaseError> {
    session.run("SAVEPOINT plainly; SET LOCAL search_path TO public; SET LOCAL ROLE NONE; SET LOCAL plan_cache_mode = force_generic_plan")?;
    let state = State::of_touched(session, touched)?;
    session.run("ROLLBACK TO plainly; RELEASE plainly")?;
    Ok(state)
}

/// Whether all of a file can run in one transaction.
fn can_be_tried(migration: &Migration) -> bool {
    !migration.statements.iter().any(Statement::needs_no_transaction)
}
