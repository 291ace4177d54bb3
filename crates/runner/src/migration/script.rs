//! Running a SQL file that is no migration: a set-up of roles, a fixture, a rollback.

use std::path::Path;

use super::{MigrationError, Source, StatementFailure, split};
use crate::session::Session;

/// Runs every statement of `path`, which messages call relative to `root`.
pub fn run_script(session: &mut Session, root: &Path, path: &Path) -> Result<(), MigrationError> {
    for statement in split(Source::read(root, path)?, root)? {
        let done = match &statement.copy_data {
            Some(data) => session.copy_in(&statement.text, data.as_bytes()).map(|_| ()),
            None => session.run(&statement.text),
        };
        done.map_err(|error| MigrationError::Statement(Box::new(StatementFailure::new(&statement, error))))?;
    }
    Ok(())
}
