//! Constraints of tables and domains (documentation, `pg_constraint`).

use std::fmt;

use pgproof_sql::{Identifier, ObjectId, ObjectKind, QualifiedName};
use serde::Deserialize;

/// A constraint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Constraint {
    /// Its schema.
    pub schema: String,
    /// The table, unless it is a domain constraint.
    pub table: Option<String>,
    /// The domain, unless it is a table constraint.
    pub domain: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ConstraintKind,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Its definition, as PostgreSQL prints it.
    pub definition: String,
    /// The condition of a CHECK on a table.
    pub expression: Option<String>,
    /// What a foreign key references.
    pub references: Option<References>,
    /// Whether it is deferrable.
    pub deferrable: bool,
    /// Whether it has been validated against the rows that existed before it.
    pub validated: bool,
}

/// The kind of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ConstraintKind {
    /// PRIMARY KEY.
    #[serde(rename = "p")]
    PrimaryKey,
    /// UNIQUE.
    #[serde(rename = "u")]
    Unique,
    /// FOREIGN KEY.
    #[serde(rename = "f")]
    ForeignKey,
    /// CHECK.
    #[serde(rename = "c")]
    Check,
    /// EXCLUDE.
    #[serde(rename = "x")]
    Exclusion,
}

/// What a foreign key references.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct References {
    /// The schema of the referenced table.
    pub schema: String,
    /// The referenced table.
    pub table: String,
    /// The referenced columns, in the key's order.
    pub columns: Vec<String>,
    /// The action when a referenced row is deleted.
    pub on_delete: ForeignKeyAction,
    /// The action when a referenced key is updated.
    pub on_update: ForeignKeyAction,
}

impl Constraint {
    /// Which object it is.
    pub fn id(&self) -> ObjectId {
        let relation = self.table.as_deref().or(self.domain.as_deref()).unwrap_or_default();
        let kind = if self.table.is_some() { ObjectKind::Constraint } else { ObjectKind::DomainConstraint };
        ObjectId::of(kind, &QualifiedName::in_schema(&self.schema, relation), Identifier::new(&self.name))
    }
}

impl References {
    /// The referenced table.
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName::in_schema(&self.schema, &self.table)
    }
}

/// A referential action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ForeignKeyAction {
    /// Reject, at the end of the statement or transaction.
    #[serde(rename = "a", alias = "NO ACTION")]
    NoAction,
    /// Reject immediately.
    #[serde(rename = "r", alias = "RESTRICT")]
    Restrict,
    /// Apply the same operation to the referencing rows.
    #[serde(rename = "c", alias = "CASCADE")]
    Cascade,
    /// Set the referencing columns to NULL.
    #[serde(rename = "n", alias = "SET NULL")]
    SetNull,
    /// Set the referencing columns to their defaults.
    #[serde(rename = "d", alias = "SET DEFAULT")]
    SetDefault,
}

impl fmt::Display for ForeignKeyAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ForeignKeyAction::NoAction => "NO ACTION",
            ForeignKeyAction::Restrict => "RESTRICT",
            ForeignKeyAction::Cascade => "CASCADE",
            ForeignKeyAction::SetNull => "SET NULL",
            ForeignKeyAction::SetDefault => "SET DEFAULT",
        })
    }
}
