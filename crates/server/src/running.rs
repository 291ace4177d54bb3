//! A server that this process may use until it ends, and whoever sees to it that nothing of it remains.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::connection::Address;
use crate::ending::guard::Guard;
use crate::{ServerError, ServerHandle, Source, Version};

/// A running server. What was made there ends when this value is dropped, and when the process that holds it ends.
#[derive(Debug)]
pub struct Server {
    pub(crate) handle: ServerHandle,
    pub(crate) directory: PathBuf,
    /// How long PostgreSQL took from its start to the first answer.
    pub(crate) took: Duration,
    /// None once the server is kept.
    pub(crate) guard: Option<Box<dyn Guard>>,
}

impl Server {
    /// The server, for those who make databases in it.
    pub fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    /// How long it took from its start to the first answer. Of a local server, that is PostgreSQL's own part: copying
    /// the data directory, starting, the first session.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.handle.address
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.handle.version
    }

    /// The directory of the run's files; a local server's data, socket and log too.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Why nothing can be proven on the server any more, if so: it ended while it was in use, or has no room left.
    pub fn is_lost(&self) -> Option<ServerError> {
        let error = match self.handle.maintenance() {
            Ok(mut session) => {
                let made = self.handle.create_database(&mut session, "probe", Source::Nothing);
                // Class 53, "Insufficient Resources".
                return made.err().filter(|error| error.sqlstate().is_some_and(|code| code.starts_with("53")));
            }
            Err(error) => error,
        };
        // With a report it is there, whatever it says; but for 57P01 admin_shutdown to 57P03 cannot_connect_now.
        if error.sqlstate().is_some_and(|code| !code.starts_with("57P0")) {
            return None;
        }
        Some(ServerError::Lost { version: self.handle.version.clone(), log: self.log(), source: error })
    }

    /// The end of the server's log.
    pub fn log(&self) -> String {
        self.guard.as_ref().map(|guard| guard.log()).unwrap_or_default()
    }

    /// Makes a directory that goes when the server does.
    pub fn make_directory(&self, name: &str) -> std::io::Result<PathBuf> {
        let directory = self.directory.join(name);
        std::fs::create_dir(&directory)?;
        // Whoever removes it, with what is in it, has to own it.
        let owner = self.directory.metadata()?;
        std::os::unix::fs::chown(&directory, Some(owner.uid()), Some(owner.gid()))?;
        Ok(directory)
    }

    /// Lets the server, or the databases in it, outlive this process: how to be rid of them.
    pub fn keep(mut self) -> String {
        self.guard.take().map(Guard::keep).unwrap_or_default()
    }
}
