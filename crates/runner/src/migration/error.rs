//! Why migrations could not be read or applied: always with the file, and the line if there is one.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use pgproof_server::{Advised, DatabaseError};
use pgproof_sql::{Origin, SourceError, Statement};

/// Why migrations could not be read or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The files cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Another migration has replaced the file.
    #[error("{} is now part of {by} and must not be run as well; remove it", .path.display())]
    Superseded {
        /// The file.
        path: PathBuf,
        /// The migration that replaces it.
        by: String,
    },
    /// There is no optional migration of this name.
    #[error("schema {schema} has no optional migration {name:?}; it has {}", list(.known))]
    NoOptional {
        /// The schema.
        schema: String,
        /// The requested name.
        name: String,
        /// The existing names.
        known: Vec<String>,
    },
    /// Another session is applying migrations to the database and does not finish.
    #[error(
        "another session has been applying migrations for two minutes, so {} was not applied; \
         find the session that holds the advisory lock in pg_locks",
        .file.display()
    )]
    Busy {
        /// The first file.
        file: PathBuf,
    },
    /// A file ends inside a transaction.
    #[error("{origin}: the transaction that begins here is never committed")]
    OpenTransaction {
        /// The BEGIN.
        origin: Origin,
    },
    /// A file took too long.
    #[error(
        "{origin}: the file was not applied within {} and was ended during this statement; \
         [server.deadlines] in pgproof.toml says how long a file may take",
        humantime::format_duration(*.limit)
    )]
    FileDeadline {
        /// The statement that was running.
        origin: Origin,
        /// How long the file may take.
        limit: Duration,
    },
    /// A statement failed.
    #[error("{0}")]
    Statement(Box<StatementFailure>),
    /// The session failed between statements.
    #[error("the session applying {} failed", .file.display())]
    Session {
        /// The file.
        file: PathBuf,
        /// Why.
        source: DatabaseError,
    },
}

/// A failed statement, with its place in the source.
#[derive(Debug)]
pub struct StatementFailure {
    /// Where the error is: the position reported by the server, else the start of the statement.
    pub origin: Origin,
    /// The statement.
    pub statement: Statement,
    /// The server's error.
    pub error: DatabaseError,
}

impl StatementFailure {
    /// The failure of `statement` with `error`.
    pub fn new(statement: &Statement, error: DatabaseError) -> StatementFailure {
        let position = error.reported().and_then(|report| report.position);
        let origin = position.map_or_else(|| statement.origin.clone(), |at| statement.origin_at_position(at));
        StatementFailure { origin, statement: statement.clone(), error }
    }
}

impl fmt::Display for StatementFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StatementFailure { origin, statement, error } = self;
        let start = &statement.origin;
        let width = origin.line.to_string().len();
        writeln!(f, "{origin}: {} failed", statement.kind())?;
        let line = |f: &mut fmt::Formatter<'_>, number: u32| {
            writeln!(f, "{number:>width$} | {}", statement.source.line(number).trim_end())
        };
        if start.line != origin.line {
            line(f, start.line)?;
            if start.line + 1 < origin.line {
                writeln!(f, "{:>width$} | …", "")?;
            }
        }
        line(f, origin.line)?;
        writeln!(f, "{:>width$} | {:>column$}", "", "^", column = origin.column as usize)?;
        match error {
            DatabaseError::Reported(report) => write!(f, "{}", Advised(report, statement)),
            error => write!(f, "{error}"),
        }
    }
}

impl MigrationError {
    /// Where in the files the error is, if it is in one place.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            MigrationError::Statement(failure) => Some(&failure.origin),
            MigrationError::OpenTransaction { origin }
            | MigrationError::FileDeadline { origin, .. }
            | MigrationError::Source(
                SourceError::Unterminated { origin, .. } | SourceError::MetaCommand { origin, .. },
            ) => Some(origin),
            _ => None,
        }
    }

    /// The error of the statement or session that failed, if one did.
    pub fn into_database_error(self) -> Option<DatabaseError> {
        match self {
            MigrationError::Statement(failure) => Some(failure.error),
            MigrationError::Session { source, .. } => Some(source),
            _ => None,
        }
    }

    /// The error of the statement or session that failed, if one did.
    pub fn database_error(&self) -> Option<&DatabaseError> {
        match self {
            MigrationError::Statement(failure) => Some(&failure.error),
            MigrationError::Session { source, .. } => Some(source),
            _ => None,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
