//! Runs a SQL file that is not a migration: a set-up of roles, a fixture, a rollback.

use pgproof_server::SqlState;
use std::path::Path;

use super::{MigrationError, StatementFailure};
use pgproof_server::Session;
use pgproof_server::note_roles;
use pgproof_sql::{Source, split};

/// Runs every statement of `path`, which messages show relative to `root`. Changes to the session (settings, the search
/// path) are reset at the end; a transaction that is left open is an error.
pub fn run_script(session: &mut Session, root: &Path, path: &Path) -> Result<(), MigrationError> {
    let mut last = None;
    let statements = split(Source::read(root, path)?, root)?;
    let note = |session: &mut Session| {
        let noted = note_roles(session, statements.iter().map(|statement| statement.text.as_str()));
        noted.map_err(|source| MigrationError::Session { file: path.to_path_buf(), source })
    };
    note(session)?;
    for statement in &statements {
        let done = match &statement.copy_data {
            Some(data) => session.copy_in(&statement.text, data.as_bytes()).map(|_| ()),
            None => session.run(&statement.text),
        };
        done.map_err(|error| MigrationError::Statement(Box::new(StatementFailure::new(statement, error))))?;
        last = Some(statement);
    }
    note(session)?;
    // Rejected inside a transaction block.
    match (session.run("DISCARD ALL"), last) {
        (Err(error), Some(last))
            if error.reported().is_some_and(|report| report.has(&SqlState::ACTIVE_SQL_TRANSACTION)) =>
        {
            Err(MigrationError::OpenTransaction { origin: last.origin.clone() })
        }
        (Err(source), _) => Err(MigrationError::Session { file: path.to_path_buf(), source }),
        (Ok(()), _) => Ok(()),
    }
}
