//! Why a test got no database.

use crate::DatabaseError;
use crate::config::ConfigError;
use crate::migration::MigrationError;
use crate::server::ServerError;

/// Why a test got no database.
#[derive(Debug, thiserror::Error)]
pub enum IsolationError {
    /// The configuration is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The server of this process could not be started; the first who asked got the same error.
    #[error(transparent)]
    SharedServer(&'static ServerError),
    /// The migrations cannot be applied.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The schema's template could not be made; the first who asked got the same error.
    #[error("{0}")]
    SharedTemplate(String),
    /// A database that is derived from the schema's template could not be made.
    #[error("cannot make the {label} database")]
    Derived {
        /// What it is for.
        label: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A session failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}
