//! The first provider that works, where nobody has chosen: binaries on this machine, else a container, else binaries
//! that are downloaded.

use super::Provider;
use super::docker::Docker;
use super::download::Download;
use super::local::Local;
use crate::installation::binaries::BIN_VARIABLE;
use crate::{Server, ServerError, ServerOptions};

/// The first provider that works.
#[derive(Debug)]
pub(super) struct Auto;

impl Provider for Auto {
    /// The error tells what became of each provider.
    fn start(&self, options: &ServerOptions) -> Result<Server, ServerError> {
        // Whoever names binaries wants these.
        if options.bin.is_some() || std::env::var_os(BIN_VARIABLE).is_some() {
            return Local.start(options);
        }
        let mut tried = Vec::new();
        match Local.start(options) {
            Err(error @ (ServerError::NotFound { .. } | ServerError::NoSuchMajor { .. })) => {
                tried.push(("local", error));
            }
            // Binaries that are there and do not work are worth a look.
            other => return other,
        }
        for (name, provider) in [("docker", &Docker as &dyn Provider), ("download", &Download)] {
            match provider.start(options) {
                Ok(server) => return Ok(server),
                Err(error) => tried.push((name, error)),
            }
        }
        Err(ServerError::NoProvider { tried })
    }

    fn majors(&self, options: &ServerOptions) -> Result<Vec<u16>, ServerError> {
        Local.majors(options)
    }

    fn describe(&self, options: &ServerOptions) -> Result<String, ServerError> {
        match Local.describe(options) {
            Err(nothing @ (ServerError::NotFound { .. } | ServerError::NoSuchMajor { .. })) => {
                Docker.describe(options).map_err(|_| nothing)
            }
            found => found,
        }
    }
}
