//! Starts a disposable PostgreSQL server and removes it again, however the process ends: connections, sessions, errors,
//! one file per provider, and the cleanup of each server. Schemas and migrations are not its concern.

pub mod advice;
mod choice;
mod config;
pub mod connection;
pub mod database_error;
pub mod deadlines;
mod ending;
mod error;
mod handle;
mod installation;
mod log;
mod options;
mod owner;
mod provider;
pub mod random;
mod running;
mod secrets;
pub mod session;
mod settings;
pub mod sqlstate;
mod version;
mod watch;

pub use choice::{SERVER_VARIABLE, ServerChoice};
pub use config::ServerConfig;
pub use database_error::{Advised, DatabaseError, Reported};
pub use deadlines::Deadlines;
pub use ending::roles::note as note_roles;
pub use error::ServerError;
pub use handle::{ServerHandle, Source};
pub use installation::binaries::{BIN_VARIABLE, Installation, find as find_installation};
pub use installation::cache::CACHE_VARIABLE;
pub use installation::clients::ClientPrograms;
pub use options::ServerOptions;
pub use owner::Owner;
#[cfg(feature = "docker")]
pub use provider::docker::IMAGE_VARIABLE;
pub use provider::download::{DOWNLOAD_URL_VARIABLE, DOWNLOAD_VARIABLE, Permission};
pub use provider::{describe, majors};
pub use running::Server;
pub use secrets::{keep_secret, without_secrets};
pub use session::{Attempt, Session};
pub use settings::START_TIMEOUT_VARIABLE;
pub use version::{NEWEST_MAJOR, OLDEST_MAJOR, Version};

/// The SQLSTATE codes by name (documentation, appendix "PostgreSQL Error Codes").
pub use postgres::error::SqlState;
