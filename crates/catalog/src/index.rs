//! Indexes (documentation, `pg_index`).

use std::fmt;

use pgproof_sql::{ObjectId, QualifiedName};
use serde::Deserialize;

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own in pg_index")]
pub struct Index {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The table it is on.
    pub table: String,
    /// The access method.
    pub method: String,
    /// Whether it rejects duplicates.
    pub unique: bool,
    /// Whether it belongs to the primary key.
    pub primary: bool,
    /// Whether queries may use it and changes maintain it: false after a failed CONCURRENTLY.
    pub valid: bool,
    /// Whether two NULLs count as duplicates.
    pub nulls_not_distinct: bool,
    /// The condition of a partial index.
    pub predicate: Option<String>,
    /// Its key columns and expressions, in order.
    pub keys: Vec<IndexKey>,
    /// The columns in INCLUDE.
    pub include: Vec<String>,
    /// Its definition, as PostgreSQL prints it.
    pub definition: String,
}

impl Index {
    /// Its name with its schema.
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName::in_schema(&self.schema, &self.name)
    }

    /// The table it is on.
    pub fn table_name(&self) -> QualifiedName {
        QualifiedName::in_schema(&self.schema, &self.table)
    }

    /// Which object it is.
    pub fn id(&self) -> ObjectId {
        ObjectId::index(self.qualified_name())
    }
}

/// A key column or expression of an index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IndexKey {
    /// The column or expression, as SQL.
    pub expression: String,
    /// The name of the column, or `None` for an expression.
    pub column: Option<String>,
    /// Whether it is sorted in descending order.
    pub descending: bool,
    /// Whether NULLs sort before other values.
    pub nulls_first: bool,
    /// The operator class, if it is not the default of the type.
    pub operator_class: Option<String>,
}

impl IndexKey {
    /// The name of the column, or the expression.
    pub fn name(&self) -> &str {
        self.column.as_deref().unwrap_or(&self.expression)
    }
}

impl fmt::Display for IndexKey {
    /// As written in CREATE INDEX, without defaults.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expression)?;
        if let Some(class) = &self.operator_class {
            write!(f, " {class}")?;
        }
        match (self.descending, self.nulls_first) {
            (false, false) => Ok(()),
            (false, true) => f.write_str(" NULLS FIRST"),
            (true, true) => f.write_str(" DESC"),
            (true, false) => f.write_str(" DESC NULLS LAST"),
        }
    }
}
