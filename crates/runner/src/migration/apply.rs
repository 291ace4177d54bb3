//! Applying migrations to a database, statement by statement.

use std::path::PathBuf;

use super::{Migration, MigrationError, Statement, StatementFailure};
use crate::config::Transaction;
use crate::session::Session;
use crate::{DatabaseError, Origin};

/// What became of one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The file.
    pub file: PathBuf,
    /// What became of its statements, in order.
    pub statements: Vec<Outcome>,
}

/// What became of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where it stands.
    pub origin: Origin,
    /// What kind of statement it is.
    pub kind: String,
    /// How many rows it affected, by the server's count.
    pub rows: u64,
}

/// Applies migrations in order. Each file finds a session in its initial state, as with one `psql -f` a file.
pub fn apply(
    session: &mut Session,
    migrations: &[Migration],
    transaction: Transaction,
) -> Result<Vec<Applied>, MigrationError> {
    migrations.iter().map(|migration| apply_one(session, migration, transaction)).collect()
}

fn apply_one(
    session: &mut Session,
    migration: &Migration,
    transaction: Transaction,
) -> Result<Applied, MigrationError> {
    let statements = &migration.statements;
    let in_session = |source| MigrationError::Session { file: migration.file.clone(), source };
    let controls_itself = statements.iter().any(|s| s.begins_transaction() || s.ends_transaction());
    let whole =
        transaction == Transaction::File && !controls_itself && !statements.iter().any(Statement::needs_no_transaction);
    let mut open: Option<&Statement> = None;
    let mut outcomes = Vec::with_capacity(statements.len());
    if whole {
        session.run("BEGIN").map_err(in_session)?;
    }
    for statement in statements {
        let rows = execute(session, statement)
            .map_err(|error| MigrationError::Statement(Box::new(StatementFailure::new(statement, error))))?;
        if statement.begins_transaction() {
            open = Some(statement);
        } else if statement.ends_transaction() {
            open = None;
        }
        outcomes.push(Outcome { origin: statement.origin.clone(), kind: statement.kind(), rows });
    }
    if let Some(begin) = open {
        return Err(MigrationError::OpenTransaction { origin: begin.origin.clone() });
    }
    if whole {
        session.run("COMMIT").map_err(in_session)?;
    }
    // A file's SET must not leak into the next one.
    session.run("DISCARD ALL").map_err(in_session)?;
    Ok(Applied { file: migration.file.clone(), statements: outcomes })
}

fn execute(session: &mut Session, statement: &Statement) -> Result<u64, DatabaseError> {
    match &statement.copy_data {
        Some(data) => session.copy_in(&statement.text, data.as_bytes()),
        None => session.affected(&statement.text),
    }
}
