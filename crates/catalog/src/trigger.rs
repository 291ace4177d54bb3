//! Triggers, except those of constraints (documentation, `pg_trigger`).

use std::fmt;

use pgproof_sql::{Identifier, ObjectId, ObjectKind, QualifiedName};
use serde::Deserialize;

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trigger {
    /// The schema of the table.
    pub schema: String,
    /// The table or view.
    pub table: String,
    /// Its name.
    pub name: String,
    /// When it fires.
    pub timing: Timing,
    /// Whether it fires per row or per statement.
    pub level: Level,
    /// The events that fire it.
    pub events: Vec<Event>,
    /// The columns of an UPDATE that fire it; empty for any.
    pub columns: Vec<String>,
    /// Its WHEN condition, as PostgreSQL prints it.
    pub condition: Option<String>,
    /// The function it calls.
    pub function: String,
    /// Whether it fires in an ordinary session.
    pub enabled: bool,
}

impl Trigger {
    /// Which object it is.
    pub fn id(&self) -> ObjectId {
        let table = QualifiedName::in_schema(&self.schema, &self.table);
        ObjectId::of(ObjectKind::Trigger, &table, Identifier::new(&self.name))
    }
}

/// When a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// BEFORE the event.
    Before,
    /// AFTER the event.
    After,
    /// INSTEAD OF the event.
    InsteadOf,
}

/// For what a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// FOR EACH ROW.
    Row,
    /// FOR EACH STATEMENT.
    Statement,
}

/// The events that fire a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// INSERT.
    Insert,
    /// UPDATE, of any column.
    Update,
    /// DELETE.
    Delete,
    /// TRUNCATE.
    Truncate,
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Timing::Before => "BEFORE",
            Timing::After => "AFTER",
            Timing::InsteadOf => "INSTEAD OF",
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Row => "ROW",
            Level::Statement => "STATEMENT",
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Event::Insert => "INSERT",
            Event::Update => "UPDATE",
            Event::Delete => "DELETE",
            Event::Truncate => "TRUNCATE",
        })
    }
}
