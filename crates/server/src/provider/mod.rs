//! Where a server comes from: one file a provider behind [`Provider`], and the registry of them.

mod auto;
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
use crate::{Server, ServerError, ServerOptions};

/// A way to a server.
pub(crate) trait Provider: fmt::Debug {
    /// Starts a server and waits until it answers.
    fn start(&self, options: &ServerOptions) -> Result<Server, ServerError>;

    /// The majors that it has, the oldest first.
    fn majors(&self, options: &ServerOptions) -> Result<Vec<u16>, ServerError>;

    /// What a run would begin with, in a few words.
    fn describe(&self, options: &ServerOptions) -> Result<String, ServerError>;
}

/// The provider that was chosen.
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
        chosen(&options.provider).start(options)
    }
}

/// The majors that this provider has, the oldest first.
pub fn majors(options: &ServerOptions) -> Result<Vec<u16>, ServerError> {
    chosen(&options.provider).majors(options)
}

/// What a run would begin with, in a few words.
pub fn describe(options: &ServerOptions) -> Result<String, ServerError> {
    chosen(&options.provider).describe(options)
}

/// What was started, in a few words, of a provider that cannot know before.
fn started(options: &ServerOptions, provider: &dyn Provider) -> Result<String, ServerError> {
    let server = provider.start(options)?;
    Ok(format!("{} at {} ({})", server.version(), server.address().place(), server.handle().provider))
}
