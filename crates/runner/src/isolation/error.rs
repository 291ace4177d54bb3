//! Why a test has no database.

use std::sync::Arc;

use crate::behind;
use crate::config::ConfigError;
use crate::migration::MigrationError;
use pgproof_server::DatabaseError;
use pgproof_server::ServerError;

/// Why a test has no database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IsolationError {
    /// The configuration is missing or invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No server is available.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The server of this process could not be started; all callers share the error.
    #[error(transparent)]
    SharedServer(&'static ServerError),
    /// The migrations cannot be applied.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The schema's template could not be created; all callers share the error.
    #[error(transparent)]
    SharedTemplate(Arc<IsolationError>),
    /// A database derived from the schema's template could not be created.
    #[error("cannot create the {label} database")]
    Derived {
        /// What it is for.
        label: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database is in use, so that neither a copy nor any other database is made.
    #[error("it needs a database of its own, which is not made beside {database}, a database that is in use")]
    InUse {
        /// The database.
        database: String,
    },
    /// A session failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl IsolationError {
    /// The error of the session or statement that caused this one, if any.
    pub fn database_error(&self) -> Option<&DatabaseError> {
        match self {
            IsolationError::Config(_) | IsolationError::InUse { .. } => None,
            IsolationError::Server(error) => behind(error),
            IsolationError::SharedServer(error) => behind(*error),
            IsolationError::Migration(error) => error.database_error(),
            IsolationError::SharedTemplate(error) => error.database_error(),
            IsolationError::Derived { source, .. } => behind(source.as_ref()),
            IsolationError::Database(error) => Some(error),
        }
    }
}
