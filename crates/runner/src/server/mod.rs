//! Finding, starting and ending a disposable PostgreSQL. One file a provider; so far *local*: binaries on this machine.

mod account;
mod address;
mod binaries;
mod cache;
mod error;
mod local;
mod place;
mod supervisor;
mod sweep;
mod version;

pub use address::Address;
pub use binaries::BIN_VARIABLE;
pub use binaries::{Installation, find as find_installation, majors};
pub use cache::CACHE_VARIABLE;
pub use error::ServerError;
pub(crate) use local::create_database;
pub use local::{MAINTENANCE_DATABASE, Server};
pub use version::{OLDEST_MAJOR, Version};

/// Which server to start.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// The directory of the binaries, in place of the search.
    pub bin: Option<std::path::PathBuf>,
    /// The major version, in place of the newest.
    pub major: Option<u16>,
}

impl From<&crate::config::ServerConfig> for ServerOptions {
    fn from(config: &crate::config::ServerConfig) -> Self {
        ServerOptions { bin: config.bin.clone(), major: config.major }
    }
}
