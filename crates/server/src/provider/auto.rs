//! The default provider: the first that works of binaries on this machine, a container, and downloaded binaries.

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
    /// The error lists the error of each provider.
    fn start(&self, options: &ServerOptions) -> Result<Server, ServerError> {
        // If binaries are configured, no other provider is tried.
        if options.bin.is_some() || std::env::var_os(BIN_VARIABLE).is_some() {
            return Local.start(options);
        }
        let mut tried = Vec::new();
        match Local.start(options) {
            Err(error @ (ServerError::NotFound { .. } | ServerError::NoSuchMajor { .. })) => {
                tried.push(("local", error));
            }
            // Binaries that exist but do not work are an error to report.
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
