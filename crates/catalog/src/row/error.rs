//! Why no row could be made.

use pgproof_runner::config::ConfigError;
use pgproof_server::{DatabaseError, Reported};
use pgproof_sql::{Identifier, ObjectId, ObjectKind, QualifiedName};

use crate::Misnamed;

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
    #[error("no value is known for column {table}.{column} of type {ty}; give one in [schemas.{schema}.rows.{table}]")]
    UnknownType {
        /// The schema in `pgproof.toml`.
        schema: String,
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        ty: String,
    },
    /// A type that has no values.
    #[error("column {table}.{column} cannot have a value: type {ty} is an enum without labels")]
    NoLabels {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        ty: String,
    },
    /// No values were found that a rule accepts.
    #[error(
        "no row of {table} was found that {constraint} accepts ({definition}); give its columns values in [schemas.{schema}.rows.{table}]"
    )]
    Unsatisfiable {
        /// The schema in `pgproof.toml`.
        schema: String,
        /// The table.
        table: String,
        /// The CHECK, domain or key.
        constraint: String,
        /// Its definition.
        definition: String,
    },
    /// NOT NULL foreign keys lead back to the table.
    #[error("the foreign keys of {} are NOT NULL and lead in a circle; give one of them a value in [schemas.{schema}.rows]", .path.join(" -> "))]
    Circle {
        /// The schema in `pgproof.toml`.
        schema: String,
        /// The tables of the circle.
        path: Vec<String>,
    },
    /// PostgreSQL rejected the row, and no repair helped.
    #[error("no valid row of {table} was found; the last try was rejected with {}: {}", .refusal.brief(), .refusal.message)]
    Refused {
        /// The table.
        table: String,
        /// The rejection.
        refusal: Box<Reported>,
    },
    /// A trigger rejected every row that was tried.
    #[error(
        "trigger {trigger} rejects every row of {table} that was tried; the last time it raised {} ({}); \
         give the columns that {function} looks at values in [schemas.{schema}.rows.{table}]",
        .refusal.condition(),
        .refusal.message
    )]
    Trigger {
        /// The schema in `pgproof.toml`.
        schema: String,
        /// The table.
        table: String,
        /// The trigger.
        trigger: String,
        /// The function that it calls.
        function: String,
        /// What it raised.
        refusal: Box<Reported>,
    },
    /// PostgreSQL accepted the row, and the table did not store it.
    #[error("table {table} stores no row that was tried: {by}")]
    NotStored {
        /// The table.
        table: String,
        /// What discards the rows.
        by: String,
    },
    /// A row that this one must reference could not be made.
    #[error("no row of {table} can be made without a row of {parent}, which {constraint} references")]
    Parent {
        /// The table.
        table: String,
        /// The referenced table.
        parent: String,
        /// The foreign key.
        constraint: String,
        /// Why there is none.
        source: Box<RowError>,
    },
    /// The configuration is malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration names a table or column that does not exist.
    #[error("[schemas.{schema}.rows] names {misnamed}")]
    Configured {
        /// The schema in `pgproof.toml`.
        schema: String,
        /// What is wrong with the name.
        misnamed: Box<Misnamed>,
    },
    /// A configured expression is no value of its column.
    #[error("[schemas.{schema}.rows.{table}] {column} is no value of type {ty}")]
    Expression {
        /// The schema in `pgproof.toml`.
        schema: String,
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        ty: String,
        /// Why.
        source: Box<DatabaseError>,
    },
    /// The same as another time.
    #[error(transparent)]
    Known(std::sync::Arc<RowError>),
    /// The session failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl RowError {
    /// A name in `[schemas.NAME.rows]` that is none.
    pub fn misnamed(schema: &str, misnamed: Misnamed) -> RowError {
        RowError::Configured { schema: schema.to_owned(), misnamed: Box::new(misnamed) }
    }

    /// Whether the table is the reason: no row of it was found. Otherwise a name or the configuration is wrong, or the
    /// session failed.
    pub fn is_of_table(&self) -> bool {
        match self {
            RowError::Unsatisfiable { .. }
            | RowError::Circle { .. }
            | RowError::Refused { .. }
            | RowError::Trigger { .. }
            | RowError::NotStored { .. }
            | RowError::NoLabels { .. }
            | RowError::UnknownType { .. } => true,
            RowError::Parent { source, .. } => source.is_of_table(),
            RowError::Known(error) => error.is_of_table(),
            _ => false,
        }
    }

    /// What it comes down to: why there is no row of the table that stands at the end of the references.
    pub fn root(&self) -> &RowError {
        match self {
            RowError::Parent { source, .. } => source.root(),
            RowError::Known(error) => error.root(),
            other => other,
        }
    }

    /// The object that no row satisfies, if it is one.
    pub fn blamed(&self) -> Option<ObjectId> {
        match self.root() {
            RowError::Unsatisfiable { table, constraint, .. } => {
                Some(ObjectId::constraint(&QualifiedName::from(table), Identifier::new(constraint)))
            }
            RowError::Trigger { table, trigger, .. } => {
                Some(ObjectId::of(ObjectKind::Trigger, &QualifiedName::from(table), Identifier::new(trigger)))
            }
            RowError::Refused { table, refusal } => {
                let constraint = refusal.constraint.as_ref()?;
                Some(ObjectId::constraint(&QualifiedName::from(table), Identifier::new(constraint)))
            }
            _ => None,
        }
    }

    /// What PostgreSQL reported when it rejected the last row, if it did.
    pub fn refusal(&self) -> Option<&Reported> {
        match self {
            RowError::Refused { refusal, .. } | RowError::Trigger { refusal, .. } => Some(refusal),
            RowError::Known(error) => error.refusal(),
            _ => None,
        }
    }
}
