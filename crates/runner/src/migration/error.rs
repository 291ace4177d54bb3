//! Why migrations could not be read or applied: always with the file, and the line where there is one.

use std::fmt;
use std::path::PathBuf;

use super::Statement;
use crate::{DatabaseError, Origin};

/// Why migrations could not be read or applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The directory cannot be read.
    #[error("cannot read the migrations in {}; `migrations` in pgproof.toml names that directory", .directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There are none.
    #[error("{} holds no migration (NUMBER_name.sql or NUMBER-name.sql)", .directory.display())]
    NoMigrations {
        /// The directory.
        directory: PathBuf,
    },
    /// A `.sql` file has no number, so it would never be applied.
    #[error("{} has no number: name it NUMBER_name.sql, or move it out of the migrations' directory", .path.display())]
    Unnumbered {
        /// The file.
        path: PathBuf,
    },
    /// Another migration has taken the file over.
    #[error("{} is part of {by} now and must not be run beside it; remove it", .path.display())]
    Superseded {
        /// The file.
        path: PathBuf,
        /// The migration that does it now.
        by: String,
    },
    /// There is no optional migration of this name.
    #[error("schema {schema} has no optional migration {name:?}; it has {}", list(.known))]
    NoOptional {
        /// The schema.
        schema: String,
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Two files have the same number.
    #[error("two migrations have the number {number}: {} and {}", .first.display(), .second.display())]
    DuplicateNumber {
        /// The number.
        number: u64,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A number is left out.
    #[error("migration {missing} is missing between {} and {}", .before.display(), .after.display())]
    Gap {
        /// The number.
        missing: u64,
        /// The file before.
        before: PathBuf,
        /// The file after.
        after: PathBuf,
    },
    /// A file looks as if it took migrations back, in a layout that is not known.
    #[error("{} looks as if it took a migration back, and the layout of the directory is not known; list the migrations in their order in a file, and give it with --order", .path.display())]
    UnknownLayout {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else applies migrations to the database and does not end.
    #[error("somebody else has been applying migrations for two minutes, so {} was not begun; look for a session that holds an advisory lock (pg_locks)", .file.display())]
    Busy {
        /// The first file.
        file: PathBuf,
    },
    /// A file is not UTF-8.
    #[error("{}:{line}: not UTF-8; save the file as UTF-8", .path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first line that is not.
        line: usize,
    },
    /// A file has no statement.
    #[error("{} holds no statement", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A quote or comment goes on to the end of the file.
    #[error("{origin}: the {what} that begins here is never closed")]
    Unterminated {
        /// Where it begins.
        origin: Origin,
        /// What it is.
        what: &'static str,
    },
    /// A psql meta-command that pgproof does not carry out.
    #[error("{origin}: psql's {command} is not understood: {problem}")]
    MetaCommand {
        /// Where it stands.
        origin: Origin,
        /// The command.
        command: String,
        /// Why not, and what to write instead.
        problem: String,
    },
    /// A file ends inside a transaction.
    #[error("{origin}: the transaction that begins here is never committed")]
    OpenTransaction {
        /// The BEGIN.
        origin: Origin,
    },
    /// A statement failed.
    #[error("{0}")]
    Statement(Box<StatementFailure>),
    /// The session failed between statements.
    #[error("the session in which {} was applied failed", .file.display())]
    Session {
        /// The file.
        file: PathBuf,
        /// Why.
        source: DatabaseError,
    },
}

/// A statement that the server refused, as its author wants to see it.
#[derive(Debug)]
pub struct StatementFailure {
    /// Where the error is: the position that the server named, else the statement's start.
    pub origin: Origin,
    /// The statement.
    pub statement: Statement,
    /// What the server said.
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
        write!(f, "{error}")
    }
}

impl MigrationError {
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
