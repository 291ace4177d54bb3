//! Row security policies (documentation, `pg_policy`).

use std::fmt;

use pgproof_sql::{Identifier, ObjectId, ObjectKind, QualifiedName};
use serde::Deserialize;

/// A policy of a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Policy {
    /// The schema of the table.
    pub schema: String,
    /// The table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Whether it is permissive rather than restrictive.
    pub permissive: bool,
    /// The command it applies to.
    pub command: PolicyCommand,
    /// The roles that it is for.
    pub roles: Vec<String>,
    /// The rows that are visible, as PostgreSQL prints the condition.
    pub using: Option<String>,
    /// The rows that may be written, as PostgreSQL prints the condition; `None` means the same as `using`.
    pub with_check: Option<String>,
}

impl Policy {
    /// Which object it is.
    pub fn id(&self) -> ObjectId {
        let table = QualifiedName::in_schema(&self.schema, &self.table);
        ObjectId::of(ObjectKind::Policy, &table, Identifier::new(&self.name))
    }
}

/// The command that a policy applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum PolicyCommand {
    /// FOR ALL.
    #[serde(rename = "*")]
    All,
    /// FOR SELECT.
    #[serde(rename = "r")]
    Select,
    /// FOR INSERT.
    #[serde(rename = "a")]
    Insert,
    /// FOR UPDATE.
    #[serde(rename = "w")]
    Update,
    /// FOR DELETE.
    #[serde(rename = "d")]
    Delete,
}

impl fmt::Display for PolicyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PolicyCommand::All => "ALL",
            PolicyCommand::Select => "SELECT",
            PolicyCommand::Insert => "INSERT",
            PolicyCommand::Update => "UPDATE",
            PolicyCommand::Delete => "DELETE",
        })
    }
}
