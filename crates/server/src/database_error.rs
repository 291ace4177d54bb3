//! An error that PostgreSQL or the connection to it reported, with every field that a reader needs. A bare
//! `postgres::Error` prints only "db error", so nothing else in the workspace prints one.

use std::fmt;
use std::time::Duration;

use crate::connection::AddressError;
use crate::{advice, sqlstate};

/// A statement failed, or the connection did.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// PostgreSQL reported an error (Protocol, "Error and Notice Message Fields").
    #[error("{0}")]
    Reported(Box<Reported>),
    /// The connection failed, without a report from the server.
    #[error("the connection to PostgreSQL failed")]
    Connection(#[source] postgres::Error),
    /// The server took the connection and said nothing.
    #[error("it took the connection, and said nothing for {} s; is it PostgreSQL, and alive?", .waited.as_secs())]
    Silent {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The answer is not what the statement should give: a bug of the asker.
    #[error("the answer to {query:?} is not as expected: {problem}")]
    Answer {
        /// The statement, shortened.
        query: String,
        /// What is wrong with its answer.
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
    /// The primary message. For people: it changes between versions and locales.
    pub message: String,
    /// More about this very failure.
    pub detail: Option<String>,
    /// What PostgreSQL suggests.
    pub hint: Option<String>,
    /// The character of the statement that the error is at, from 1.
    pub position: Option<u32>,
    /// The call stack of functions and internal queries.
    pub context: Option<String>,
    /// The table that the error is about.
    pub table: Option<String>,
    /// The column that the error is about.
    pub column: Option<String>,
    /// The constraint, or unique index, that was violated.
    pub constraint: Option<String>,
}

impl DatabaseError {
    /// The report of the server, where it is one.
    pub fn reported(&self) -> Option<&Reported> {
        match self {
            DatabaseError::Reported(report) => Some(report),
            _ => None,
        }
    }

    /// The SQLSTATE, where the server reported one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.reported().map(|report| report.sqlstate.as_str())
    }

    /// The SQLSTATE to classify the error by: 08006 connection_failure where the server could not report one.
    pub fn class(&self) -> Option<&str> {
        match self {
            DatabaseError::Connection(_) | DatabaseError::Silent { .. } => Some("08006"),
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
            message: db.message().to_owned(),
            detail: db.detail().map(str::to_owned),
            hint: db.hint().map(str::to_owned),
            position: match db.position() {
                Some(ErrorPosition::Original(at)) => Some(*at),
                _ => None,
            },
            context: db.where_().map(str::to_owned),
            table: db.table().map(str::to_owned),
            column: db.column().map(str::to_owned),
            constraint: db.constraint().map(str::to_owned),
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

    /// Whether this is the refusal `sqlstate`, by the constraint of this name where one is given.
    pub fn is(&self, sqlstate: &str, constraint: Option<&str>) -> bool {
        self.sqlstate == sqlstate && constraint.is_none_or(|name| self.constraint.as_deref() == Some(name))
    }

    /// The refusal in a few words for use inside a sentence: condition and the constraint or column it names.
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
        write!(f, "{} {}: {}", self.severity.to_lowercase(), self.condition(), self.message)?;
        for (label, text) in [("detail", &self.detail), ("hint", &self.hint), ("context", &self.context)] {
            if let Some(text) = text {
                write!(f, "\n{label}: {}", indent(text))?;
            }
        }
        if let Some(text) = advice::for_sqlstate(&self.sqlstate) {
            write!(f, "\nadvice: {}", indent(text))?;
        }
        Ok(())
    }
}

fn indent(text: &str) -> String {
    text.trim_end().replace('\n', "\n        ")
}
