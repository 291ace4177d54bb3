//! Finding, starting and ending a disposable PostgreSQL. One file a provider: binaries on this machine (`local`), a
//! container (`docker`), binaries that are fetched (`download`), databases on somebody's server (`borrowed`).

mod account;
mod before_main;
mod binaries;
mod borrowed;
mod cache;
mod caretaker;
mod cluster;
#[cfg(feature = "docker")]
mod docker;
mod download;
mod error;
mod local;
mod log;
mod mark;
mod place;
mod provider;
mod roles;
mod running;
mod settings;
mod supervisor;
mod sweep;
mod version;

pub use binaries::BIN_VARIABLE;
pub use binaries::{Installation, find as find_installation};
pub use cache::CACHE_VARIABLE;
pub use cluster::{Cluster, Source};
#[cfg(feature = "docker")]
pub use docker::IMAGE_VARIABLE;
pub use download::{DOWNLOAD_URL_VARIABLE, DOWNLOAD_VARIABLE, Permission};
pub use error::ServerError;
pub use provider::{Provider, SERVER_VARIABLE, ServerOptions, describe, majors};
pub(crate) use roles::note as note_roles;
pub use running::Server;
pub use settings::START_TIMEOUT_VARIABLE;
pub use version::{NEWEST_MAJOR, OLDEST_MAJOR, Version};
