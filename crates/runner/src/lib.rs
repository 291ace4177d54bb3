//! From nothing to a migrated, isolated database: configuration, servers, migrations, sandboxes and clones, and the
//! records of what was proven. It knows no assertion; those live in `pgproof-assertions`.

pub mod advice;
pub mod config;
pub mod connection;
pub mod database_error;
pub mod evidence;
pub mod isolation;
pub mod migration;
pub mod origin;
pub mod process;
pub mod report;
pub mod server;
pub mod session;
pub mod sqlstate;

pub use config::{Config, ConfigError, Schema};
pub use database_error::{DatabaseError, Reported};
pub use isolation::{CloneDatabase, Sandbox};
pub use origin::Origin;
pub use session::{Attempt, Session};

/// The message of an error with those of its causes, for where no error type carries them on.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
