//! Which server to start, from the environment and the configuration.

use std::path::PathBuf;

use crate::choice::{SERVER_VARIABLE, ServerChoice};
use crate::provider::download::Permission;
use crate::{Deadlines, ServerConfig, ServerError};

/// Which server to start.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Where it comes from.
    pub provider: ServerChoice,
    /// The directory of the binaries, instead of searching for them.
    pub bin: Option<PathBuf>,
    /// The major version, instead of the newest.
    pub major: Option<u16>,
    /// The image of a container; `{major}` in it is replaced.
    pub image: Option<String>,
    /// Whether binaries may be downloaded.
    pub download: Permission,
    /// How long statements, files and the run may take.
    pub deadlines: Deadlines,
}

impl ServerOptions {
    /// The options set by the environment and the configuration.
    pub fn of(config: &ServerConfig) -> Result<ServerOptions, ServerError> {
        let set = std::env::var(SERVER_VARIABLE).ok().filter(|text| !text.is_empty());
        let provider = match (&set, &config.provider) {
            (Some(text), _) => {
                text.parse().map_err(|problem| ServerError::BadProvider { setting: SERVER_VARIABLE, problem })?
            }
            (None, Some(text)) => match text.parse() {
                Ok(ServerChoice::Url(_)) => {
                    let problem =
                        format!("a connection string may contain a password; set it in {SERVER_VARIABLE} instead");
                    return Err(ServerError::BadProvider { setting: "server.provider", problem });
                }
                other => other.map_err(|problem| ServerError::BadProvider { setting: "server.provider", problem })?,
            },
            (None, None) => ServerChoice::Auto,
        };
        let download = Permission::of(config.download)?;
        Ok(ServerOptions {
            provider,
            bin: config.bin.clone(),
            major: config.major,
            image: config.image.clone(),
            download,
            deadlines: config.deadlines,
        })
    }
}
