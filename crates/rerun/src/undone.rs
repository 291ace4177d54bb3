//! Things that are done in a transaction and undone: what they change is read before, and compared with what was there.

use pgproof_catalog::Touched;
use pgproof_server::{DatabaseError, Session};

use super::State;

/// Why something that was tried decides nothing: a statement fails, perhaps only because it is in a transaction with others.
pub(super) enum Unsure {
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

/// Does something in a transaction that is rolled back; none if it fails, which decides nothing.
pub(super) fn undone<T>(
    session: &mut Session,
    act: impl FnOnce(&mut Session) -> Result<T, Unsure>,
) -> Result<Option<T>, DatabaseError> {
    session.run("BEGIN")?;
    let result = act(session);
    if let Err(Unsure::Lost(error)) = result {
        return Err(error);
    }
    session.run("ROLLBACK")?;
    Ok(result.ok())
}

/// The same inside a transaction that goes on.
pub(super) fn undone_inside<T>(
    session: &mut Session,
    act: impl FnOnce(&mut Session) -> Result<T, Unsure>,
) -> Result<Option<T>, DatabaseError> {
    session.run("SAVEPOINT undone")?;
    let result = act(session);
    if let Err(Unsure::Lost(error)) = result {
        return Err(error);
    }
    session.run("ROLLBACK TO undone; RELEASE undone")?;
    Ok(result.ok())
}

/// The state of what a transaction has touched, whatever settings a file has left: names are printed with their schemas if
/// these are not on the search path.
pub(super) fn plainly(session: &mut Session, touched: &Touched) -> Result<State, DatabaseError> {
    session.run("SAVEPOINT plainly; SET LOCAL search_path TO public; SET LOCAL ROLE NONE; SET LOCAL plan_cache_mode = force_generic_plan")?;
    let state = State::of_touched(session, touched)?;
    session.run("ROLLBACK TO plainly; RELEASE plainly")?;
    Ok(state)
}
