//! What an assertion is. Carrying it out and recording the evidence is `check`'s business.

use std::fmt;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::Object;

use pgproof_catalog::row::RowError;

/// Something that must hold of one object.
pub trait Assertion {
    /// What it is about.
    fn subject(&self) -> Subject;

    /// What must hold, as the end of a sentence that begins with the subject.
    fn sentence(&self) -> String;

    /// Whether the check acts it out, rather than reading the catalog.
    fn is_behavioural(&self) -> bool {
        true
    }

    /// What a reader of the report may want to look at, proven or not: a table of several lines.
    fn exhibit(&self) -> Option<String> {
        None
    }

    /// What a program that reads the report may want to know, proven or not.
    fn detail(&self) -> Option<serde_json::Value> {
        None
    }

    /// Checks it. Whatever it does to the sandbox is undone by the caller.
    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure>;
}

/// What an assertion is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The kind of object, in PostgreSQL's words.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The object in the migrations.
    pub object: Option<Object>,
}

impl Subject {
    /// A table.
    pub fn table(name: &str) -> Subject {
        Subject { kind: "table", name: name.to_owned(), object: Some(Object::Table(unqualified(name))) }
    }

    /// A column.
    pub fn column(table: &str, column: &str) -> Subject {
        let object = Object::Column(unqualified(table), column.to_owned());
        Subject { kind: "column", name: format!("{table}.{column}"), object: Some(object) }
    }

    /// The same object under another name.
    pub fn called(mut self, name: &str) -> Subject {
        name.clone_into(&mut self.name);
        self
    }

    /// A constraint, called by what it is and by the columns it is on.
    pub fn constraint(kind: &'static str, table: &str, columns: &[String], name: Option<&str>) -> Subject {
        let object = match (name, columns) {
            (Some(name), _) => Object::Constraint(unqualified(table), name.to_owned()),
            (None, [column, ..]) => Object::Column(unqualified(table), column.clone()),
            (None, []) => Object::Table(unqualified(table)),
        };
        Subject { kind, name: format!("{table} ({})", columns.join(", ")), object: Some(object) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
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
        /// The object to point at, in place of the subject.
        object: Option<Object>,
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
            Failure::Impossible(error) => pgproof_runner::behind(error.as_ref()),
            Failure::Row(_) | Failure::Refuted { .. } | Failure::Expectation(_) => None,
        };
        error.and_then(DatabaseError::class)
    }
}

/// A refutation that points at the assertion's subject.
pub fn refuted(found: impl Into<String>) -> Failure {
    Failure::Refuted { found: found.into(), object: None }
}

/// A refutation that points at another object.
pub fn refuted_by(object: Object, found: impl Into<String>) -> Failure {
    Failure::Refuted { found: found.into(), object: Some(object) }
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

/// A name without its schema.
pub fn unqualified(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

/// The first lines, and how many more there are.
pub fn at_most(most: usize, mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    lines.extend((more > 0).then(|| format!("and {more} more")));
    lines
}

/// Whether a text has the form of a pattern, in which `*` stands for any text.
pub fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => text == pattern,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| is_like(&text[at..], rest))
        }),
    }
}

/// Names or values, joined for a sentence.
pub fn listed<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(is_like("jobs_pkey", "*_pkey") && is_like("jobs_pkey", "*") && is_like("jobs_pkey", "jobs*key"));
        assert!(!is_like("jobs_key", "*_pkey") && !is_like("jobs_pkey", "jobs") && !is_like("a", "a*b"));
    }
}
