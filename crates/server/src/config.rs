//! Table `[server]` of `pgproof.toml`: which server to use.

use std::path::PathBuf;

use serde::Deserialize;

use crate::Deadlines;

/// Table `[server]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where the server comes from: `auto`, `local`, `docker` or `download`.
    pub provider: Option<String>,
    /// The image of a container; `{major}` in it is replaced.
    pub image: Option<String>,
    /// Whether binaries may be downloaded.
    pub download: Option<bool>,
    /// The directory of PostgreSQL's binaries, instead of searching for them.
    pub bin: Option<PathBuf>,
    /// The major version to use, instead of the newest.
    pub major: Option<u16>,
    /// How long statements, files and the run may take.
    #[serde(default)]
    pub deadlines: Deadlines,
}
