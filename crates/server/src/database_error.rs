//! An error of PostgreSQL or of the connection to it, with every field that a reader needs. A bare `postgres::Error`
//! prints only "db error", so nothing else in the workspace prints one.

use postgres::error::SqlState;
use std::fmt;
use std::time::Duration;

use crate::connection::AddressError;
use crate::{advice, sqlstate};
use pgproof_sql::{Statement, shortened};

/// A failed statement or connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// PostgreSQL reported an error (Protocol, "Error and Notice Message Fields").
    #[error("{0}")]
    Reported(Box<Reported>),
    /// The connection failed, without an error report from the server.
    #[error("the connection to PostgreSQL failed")]
    Connection(#[source] postgres::Error),
    /// The server accepted the connection but sent nothing.
    #[error("it accepted the connection but sent nothing for {} s; check that it is PostgreSQL, and that it responds", .waited.as_secs())]
    Silent {
        /// How long pgproof waited.
        waited: Duration,
    },
    /// A statement took too long and was ended from outside.
    #[error(
        "it did not end within {}, so it was ended; [server.deadlines] in pgproof.toml says how long a statement and a file may take",
        humantime::format_duration(*.limit)
    )]
    Deadline {
        /// How long it was allowed to take.
        limit: Duration,
    },
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The result is not what the statement should return: a bug in the caller.
    #[error("unexpected result of {query:?}: {problem}")]
    Answer {
        /// The statement, shortened.
        query: String,
        /// What is wrong with its result.
        problem: String,
    },
}

/// The fields of an error report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// ERROR, FATAL or PANIC.
    pub severity: String,
    /// The five-character SQLSTATE.
    pub sqlstate: String,
    /// The primary message, for humans: it varies between versions and locales.
    pub message: String,
    /// Details of this error.
    pub detail: Option<String>,
    /// What PostgreSQL suggests.
    pub hint: Option<String>,
    /// The character of the statement where the error is, from 1.
    pub position: Option<u32>,
    /// The call stack of functions and internal queries.
    pub context: Option<String>,
    /// The table that the error is about.
    pub table: Option<String>,
    /// The column that the error is about.
    pub column: Option<String>,
    /// The constraint, or unique index, that was violated.
    pub constraint: Option<String>,
    /// The function of PostgreSQL's source that reported it, which is not translated.
    pub routine: Option<String>,
}

impl DatabaseError {
    /// The server's error report, if there is one.
    pub fn reported(&self) -> Option<&Reported> {
        match self {
            DatabaseError::Reported(report) => Some(report),
            _ => None,
        }
    }

    /// The SQLSTATE, if the server reported one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.reported().map(|report| report.sqlstate.as_str())
    }

    /// The SQLSTATE that classifies the error: 08006 connection_failure if the server could not report one.
    pub fn class(&self) -> Option<&str> {
        match self {
            DatabaseError::Connection(_) | DatabaseError::Silent { .. } => Some("08006"),
            DatabaseError::Deadline { .. } => Some(SqlState::QUERY_CANCELED.code()),
            _ => self.sqlstate(),
        }
    }
}

impl From<postgres::Error> for DatabaseError {
    fn from(error: postgres::Error) -> Self {
        use postgres::error::ErrorPosition;
        let Some(db) = error.as_db_error() else { return DatabaseError::Connection(error) };
        DatabaseError::Reported(Box::new(Reported {
            severity: db.severity().to_owned(),
            sqlstate: db.code().code().to_owned(),
            // They quote values and statements, which may be of any length.
            message: shortened(db.message()),
            detail: db.detail().map(shortened),
            hint: db.hint().map(shortened),
            position: match db.position() {
                Some(ErrorPosition::Original(at)) => Some(*at),
                _ => None,
            },
            context: db.where_().map(str::to_owned),
            table: db.table().map(str::to_owned),
            column: db.column().map(str::to_owned),
            constraint: db.constraint().map(str::to_owned),
            routine: db.routine().map(str::to_owned),
        }))
    }
}

impl Reported {
    /// SQLSTATE and condition name, as in `23505 unique_violation`.
    pub fn condition(&self) -> String {
        match sqlstate::condition_name(&self.sqlstate) {
            Some(name) => format!("{} {name}", self.sqlstate),
            None => self.sqlstate.clone(),
        }
    }

    /// Whether this is the error `sqlstate`, raised by the constraint of this name if one is given.
    pub fn is(&self, state: &SqlState, constraint: Option<&str>) -> bool {
        self.has(state) && constraint.is_none_or(|name| self.constraint.as_deref() == Some(name))
    }

    /// Whether the session ends with it: FATAL and PANIC, and class 57P, "Operator Intervention".
    pub fn ends_session(&self) -> bool {
        self.sqlstate.starts_with("57P") || matches!(self.severity.as_str(), "FATAL" | "PANIC")
    }

    /// Whether it has this SQLSTATE.
    pub fn has(&self, state: &SqlState) -> bool {
        self.sqlstate == state.code()
    }

    /// The error in a few words for use inside a sentence: the condition, and the constraint or column it names.
    pub fn brief(&self) -> String {
        let object = match (&self.constraint, &self.column) {
            (Some(constraint), _) => format!(" by {constraint}"),
            (None, Some(column)) => format!(" on column {column}"),
            (None, None) => format!(": {}", self.message),
        };
        format!("{}{object}", self.condition())
    }
}

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_with(f, advice::for_sqlstate(&self.sqlstate))
    }
}

/// The error of a statement, with the advice for its kind.
#[derive(Debug)]
pub struct Advised<'a>(pub &'a Reported, pub &'a Statement);

impl fmt::Display for Advised<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_with(f, advice::for_statement(self.0, self.1).as_deref())
    }
}

impl Reported {
    fn fmt_with(&self, f: &mut fmt::Formatter<'_>, advice: Option<&str>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity.to_lowercase(), self.condition(), self.message)?;
        for (label, text) in [("detail", &self.detail), ("hint", &self.hint), ("context", &self.context)] {
            if let Some(text) = text {
                write!(f, "\n{label}: {}", indent(&shortened(text)))?;
            }
        }
        if let Some(text) = advice {
            write!(f, "\nadvice: {}", indent(text))?;
        }
        Ok(())
    }
}

fn indent(text: &str) -> String {
    text.trim_end().replace('\n', "\n        ")
}
