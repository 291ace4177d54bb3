//! The definition of an assertion. `check` executes assertions and records the evidence.

use std::fmt;

use pgproof_catalog::Catalog;
use pgproof_catalog::row::RowError;
use pgproof_runner::process::proves_database_in_use;
use pgproof_runner::{NotTried, Sandbox, behind};
use pgproof_server::{DatabaseError, SqlState};
use pgproof_sql::{Identifier, ObjectId, ObjectKind, QualifiedName, Target};

use crate::pin::Pin;

/// A condition that must hold for one object.
pub trait Assertion {
    /// What it is about.
    fn subject(&self) -> Subject;

    /// What must hold, as the end of a sentence that begins with the subject.
    fn sentence(&self) -> String;

    /// The properties it pins, by object: if one of them changed, the assertion would be refuted. Empty if it does not
    /// concern a single object.
    fn pins(&self, catalog: &Catalog) -> Vec<Pin>;

    /// Details for readers of the report, whether proven or not: a table of several lines.
    fn exhibit(&self) -> Option<String> {
        None
    }

    /// Details for programs that read the report, whether proven or not.
    fn detail(&self) -> Option<serde_json::Value> {
        None
    }

    /// Checks it. The caller rolls back any changes to the sandbox. A check that tries a sample of many cases says in
    /// [`Sandbox::notes`] how many.
    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure>;
}

/// The subject of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The object.
    pub object: ObjectId,
    /// Its name in sentences, if not its identity.
    label: Option<String>,
}

impl Subject {
    /// An object, named by its identity.
    pub fn of(object: ObjectId) -> Subject {
        Subject { object, label: None }
    }

    /// An object with a different name in sentences.
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

    /// A constraint, named by its kind and its columns.
    pub fn constraint(kind: &str, table: &QualifiedName, columns: &[String], name: Option<&str>) -> Subject {
        let object = match (name, columns) {
            (Some(name), _) => ObjectId::constraint(table, Identifier::new(name)),
            (None, [column, ..]) => ObjectId::column(table, Identifier::new(column)),
            (None, []) => ObjectId::table(table),
        };
        Subject::called(object, format!("{kind} {table} ({})", columns.join(", ")))
    }

    /// The database as a whole, named by the relevant aspect.
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
#[non_exhaustive]
pub enum Failure {
    /// It does not hold: what was found instead, and the object that shows it if that is not the subject.
    #[error("{found}")]
    Refuted {
        /// What was found.
        found: String,
        /// What to point at, instead of the subject.
        target: Option<Box<Target>>,
    },
    /// It could not be checked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// No row could be generated for the check.
    #[error(transparent)]
    Row(#[from] RowError),
    /// What the check needs is not available.
    #[error(transparent)]
    Impossible(Box<dyn std::error::Error + Send + Sync>),
    /// It cannot be tried on a database that is in use.
    #[error("not tried: {0}")]
    NotTried(NotTried),
    /// The expectation itself is wrong.
    #[error("{0}")]
    Expectation(String),
}

impl Failure {
    /// The same failure, with the case that shows it before what was found.
    #[must_use]
    pub fn in_case(self, case: &str) -> Failure {
        match self {
            Failure::Refuted { found, target } => Failure::Refuted { found: format!("{case}\n{found}"), target },
            other => other,
        }
    }

    /// The SQLSTATE that prevented the check, if there was one.
    pub fn sqlstate(&self) -> Option<&str> {
        let error = match self {
            Failure::Database(error) | Failure::Row(RowError::Database(error)) => Some(error),
            Failure::Impossible(error) => behind(error.as_ref()),
            Failure::Row(_) | Failure::Refuted { .. } | Failure::NotTried(_) | Failure::Expectation(_) => None,
        };
        error.and_then(DatabaseError::class)
    }
}

/// A refutation that points at the assertion's subject.
pub fn refuted(found: impl Into<String>) -> Failure {
    Failure::Refuted { found: found.into(), target: None }
}

/// A refutation that points at another object or at a row.
pub fn refuted_by(target: impl Into<Target>, found: impl Into<String>) -> Failure {
    Failure::Refuted { found: found.into(), target: Some(Box::new(target.into())) }
}

/// What the assertion needs is not available.
pub fn impossible(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Impossible(Box::new(error))
}

/// A query that PostgreSQL rejects refutes the assertion: a table or column it needs does not exist. In a database that is
/// in use, a privilege that the session lacks says nothing about the schema.
pub fn failing(error: DatabaseError) -> Failure {
    match error.reported() {
        Some(report) if report.has(&SqlState::INSUFFICIENT_PRIVILEGE) && proves_database_in_use() => {
            Failure::NotTried(NotTried::Privilege)
        }
        Some(report) => refuted(format!("it fails with {}: {}", report.condition(), report.message)),
        None => Failure::Database(error),
    }
}

/// Differences from a declaration, collected so that all of them are reported at once.
#[derive(Debug, Default)]
pub struct Differences(Vec<String>);

impl Differences {
    /// Compares one property.
    pub fn compare(&mut self, what: &str, found: String, expected: String) {
        if found != expected {
            self.0.push(format!("{what} is {found}, not {expected}"));
        }
    }

    /// Adds another difference.
    pub fn tell(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Refutes if anything differs.
    pub fn verdict(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(refuted(self.0.join("\n"))) }
    }

    /// The same, pointing at this object.
    pub fn verdict_on(self, object: ObjectId) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(refuted_by(object, self.0.join("\n"))) }
    }
}

/// The first lines, and the number of remaining ones.
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
