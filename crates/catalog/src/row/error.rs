//! Why no row could be made.

use pgproof_server::{DatabaseError, Reported};

/// Why no row could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The table does not exist.
    #[error("there is no table {table}")]
    NoTable {
        /// The requested name.
        table: String,
    },
    /// The table has no such column.
    #[error("table {table} has no column {column}")]
    NoColumn {
        /// The table.
        table: String,
        /// The requested name.
        column: String,
    },
    /// A type for which pgproof has no values.
    #[error("no value is known for column {table}.{column} of type {ty}; give one")]
    UnknownType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        ty: String,
    },
    /// No values were found that a CHECK accepts.
    #[error("no row of {table} was found that {constraint} accepts ({definition}); give values for its columns")]
    Unsatisfiable {
        /// The table.
        table: String,
        /// The CHECK.
        constraint: String,
        /// Its definition.
        definition: String,
    },
    /// NOT NULL foreign keys lead back to the table.
    #[error("the foreign keys of {} are NOT NULL and lead in a circle; give values for one of them", .path.join(" -> "))]
    Circle {
        /// The tables of the circle.
        path: Vec<String>,
    },
    /// PostgreSQL rejected the row, and no repair helped.
    #[error("no valid row of {table} was found; the last try was refused with {}: {}", .refusal.brief(), .refusal.message)]
    Refused {
        /// The table.
        table: String,
        /// The rejection.
        refusal: Box<Reported>,
    },
    /// The session failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}
