//! What an assertion is. Carrying it out and recording the evidence is `check`'s business.

use std::fmt;

use pgproof_catalog::Catalog;
use pgproof_catalog::row::RowError;
use pgproof_runner::{Sandbox, behind};
use pgproof_server::DatabaseError;
use pgproof_sql::{Identifier, ObjectId, ObjectKind, QualifiedName, Target};

use crate::pin::Pin;

pub use pgproof_runner::evidence::Extent;

/// Something that must hold of one object.
pub trait Assertion {
    /// What it is about.
    fn subject(&self) -> Subject;

    /// What must hold, as the end of a sentence that begins with the subject.
    fn sentence(&self) -> String;

    /// Which properties of which objects it pins: were one of them another, the assertion would be refuted. None where
    /// it is about no single object.
    fn pins(&self, catalog: &Catalog) -> Vec<Pin>;

    /// What a reader of the report may want to look at, proven or not: a table of several lines.
    fn exhibit(&self) -> Option<String> {
        None
    }

    /// What a program that reads the report may want to know, proven or not.
    fn detail(&self) -> Option<serde_json::Value> {
        None
    }

    /// How many cases of how many the last check tried, where it cannot try all.
    fn extent(&self) -> Option<Extent> {
        None
    }

    /// Checks it. Whatever it does to the sandbox is undone by the caller.
    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure>;
}

/// What an assertion is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The object.
    pub object: ObjectId,
    /// How sentences call it, if not by its identity.
    label: Option<String>,
}

impl Subject {
    /// An object, called by its identity.
    pub fn of(object: ObjectId) -> Subject {
        Subject { object, label: None }
    }

    /// An object that sentences call otherwise.
    pub fn called(object: ObjectId, label: impl Into<String>) -> Subject {
        Subject { object, label: Some(label.into()) }
    }

    /// A table.
    pub fn table(name: &QualifiedName) -> Subject {
        Subject::of(ObjectId::table(name))
    }

    /// A column.
    pub fn column(table: &QualifiedName, column: &str) -> Subject {
        Subject::of(ObjectId::column(table, Identifier::new(column)))
    }

    /// A constraint, called by what it is and by the columns it is on.
    pub fn constraint(kind: &str, table: &QualifiedName, columns: &[String], name: Option<&str>) -> Subject {
        let object = match (name, columns) {
            (Some(name), _) => ObjectId::constraint(table, Identifier::new(name)),
            (None, [column, ..]) => ObjectId::column(table, Identifier::new(column)),
            (None, []) => ObjectId::table(table),
        };
        Subject::called(object, format!("{kind} {table} ({})", columns.join(", ")))
    }

    /// The database as a whole, called by what of it is meant.
    pub fn database(label: impl Into<String>) -> Subject {
        Subject::called(ObjectId::global(ObjectKind::Database, ""), label)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => f.write_str(label),
            None => write!(f, "{}", self.object),
        }
    }
}

/// Why an assertion was not proven.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It does not hold: what was found instead, and which object shows it if that is not the subject.
    #[error("{found}")]
    Refuted {
        /// What was found.
        found: String,
        /// What to point at, in place of the subject.
        target: Option<Target>,
    },
    /// It could not be checked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// No row could be made to check it with.
    #[error(transparent)]
    Row(#[from] RowError),
    /// What the check needs is not available.
    #[error(transparent)]
    Impossible(Box<dyn std::error::Error + Send + Sync>),
    /// The expectation itself is wrong.
    #[error("{0}")]
    Expectation(String),
}

impl Failure {
    /// The SQLSTATE that kept an assertion from being checked, if it was one.
    pub fn sqlstate(&self) -> Option<&str> {
        let error = match self {
            Failure::Database(error) | Failure::Row(RowError::Database(error)) => Some(error),
            Failure::Impossible(error) => behind(error.as_ref()),
            Failure::Row(_) | Failure::Refuted { .. } | Failure::Expectation(_) => None,
        };
        error.and_then(DatabaseError::class)
    }
}

/// A refutation that points at the assertion's subject.
pub fn refuted(found: impl Into<String>) -> Failure {
    Failure::Refuted { found: found.into(), target: None }
}

/// A refutation that points at another object, or at a row.
pub fn refuted_by(target: impl Into<Target>, found: impl Into<String>) -> Failure {
    Failure::Refuted { found: found.into(), target: Some(target.into()) }
}

/// What the assertion needs is not available.
pub fn impossible(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Impossible(Box::new(error))
}

/// A query that PostgreSQL refuses refutes what is said of it: a table or column that it needs is not there.
pub fn failing(error: DatabaseError) -> Failure {
    match error.reported() {
        Some(report) => refuted(format!("it fails with {}: {}", report.condition(), report.message)),
        None => Failure::Database(error),
    }
}

/// What is found to differ from a declaration, gathered so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Differences(Vec<String>);

impl Differences {
    /// Compares one property.
    pub fn compare(&mut self, what: &str, found: String, expected: String) {
        if found != expected {
            self.0.push(format!("{what} is {found}, not {expected}"));
        }
    }

    /// Tells of something else that is wrong.
    pub fn tell(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Refutes if anything differs.
    pub fn verdict(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(refuted(self.0.join("\n"))) }
    }
}

/// The first lines, and how many more there are.
pub fn at_most(most: usize, mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    lines.extend((more > 0).then(|| format!("and {more} more")));
    lines
}

/// Names or values, joined for a sentence.
pub fn listed<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
