//! Where a server comes from: one file per provider behind [`Provider`], and their registry.

mod auto;
mod checksums;
#[cfg(feature = "docker")]
pub(crate) mod docker;
pub(crate) mod download;
pub(crate) mod external;
mod local;
#[cfg(not(feature = "docker"))]
mod no_docker;

use std::fmt;

#[cfg(not(feature = "docker"))]
use no_docker as docker;

use crate::choice::ServerChoice;
use crate::settings::check_start_deadline;
use crate::{Server, ServerError, ServerOptions};

/// A source of servers.
pub(crate) trait Provider: fmt::Debug {
    /// Starts a server and waits until it answers.
    fn start(&self, options: &ServerOptions) -> Result<Server, ServerError>;

    /// The majors it offers, oldest first.
    fn majors(&self, options: &ServerOptions) -> Result<Vec<u16>, ServerError>;

    /// The server that a run would use, in a few words.
    fn describe(&self, options: &ServerOptions) -> Result<String, ServerError>;
}

/// The chosen provider.
fn chosen(choice: &ServerChoice) -> Box<dyn Provider + '_> {
    match choice {
        ServerChoice::Auto => Box::new(auto::Auto),
        ServerChoice::Local => Box::new(local::Local),
        ServerChoice::Docker => Box::new(docker::Docker),
        ServerChoice::Download => Box::new(download::Download),
        ServerChoice::Url(text) => Box::new(external::External { conninfo: text }),
    }
}

impl Server {
    /// Starts a server and waits until it answers.
    pub fn start(options: &ServerOptions) -> Result<Server, ServerError> {
        check_start_deadline()?;
        let mut server = chosen(&options.provider).start(options)?;
        server.handle.address = server.handle.address.with_deadlines(&options.deadlines);
        Ok(server)
    }
}

/// The majors that this provider offers, oldest first.
pub fn majors(options: &ServerOptions) -> Result<Vec<u16>, ServerError> {
    chosen(&options.provider).majors(options)
}

/// The server that a run would use, in a few words.
pub fn describe(options: &ServerOptions) -> Result<String, ServerError> {
    chosen(&options.provider).describe(options)
}

/// Describes a server by starting it, for providers that cannot know it beforehand.
fn started(options: &ServerOptions, provider: &dyn Provider) -> Result<String, ServerError> {
    let server = provider.start(options)?;
    Ok(format!("{} at {} ({})", server.version(), server.address().place(), server.handle().provider))
}
