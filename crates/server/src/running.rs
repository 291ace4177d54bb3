//! A running server, and the guard that removes it when this process is done with it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::connection::Address;
use crate::ending::guard::Guard;
use crate::{ServerError, ServerHandle, Source, Version};

/// A running server. Everything created there is removed when this value is dropped, or when its process ends.
#[derive(Debug)]
pub struct Server {
    pub(crate) handle: ServerHandle,
    pub(crate) directory: PathBuf,
    /// How long PostgreSQL took from start to first answer.
    pub(crate) took: Duration,
    /// None once the server is kept.
    pub(crate) guard: Option<Box<dyn Guard>>,
}

impl Server {
    /// The handle with which to create databases on the server.
    pub fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    /// How long it took from start to first answer. For a local server this is PostgreSQL's own part: copying the data
    /// directory, starting, opening the first session.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Its address.
    pub fn address(&self) -> &Address {
        &self.handle.address
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.handle.version
    }

    /// The directory of the run's files; for a local server also its data, socket and log.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Why the server can no longer be used, if so: it exited while in use, or ran out of resources.
    pub fn is_lost(&self) -> Option<ServerError> {
        let error = match self.handle.maintenance() {
            Ok(mut session) => {
                let made = self.handle.create_database(&mut session, "probe", Source::Nothing, None);
                // Class 53, "Insufficient Resources".
                return made.err().filter(|error| error.sqlstate().is_some_and(|code| code.starts_with("53")));
            }
            Err(error) => error,
        };
        // A server that reports an error is up, except with 57P01 admin_shutdown to 57P03 cannot_connect_now.
        if error.sqlstate().is_some_and(|code| !code.starts_with("57P0")) {
            return None;
        }
        Some(ServerError::Lost { version: self.handle.version.clone(), log: self.log(), source: error })
    }

    /// The end of the server's log.
    pub fn log(&self) -> String {
        self.guard.as_ref().map(|guard| guard.log()).unwrap_or_default()
    }

    /// Creates a directory that is removed with the server.
    pub fn make_directory(&self, name: &str) -> std::io::Result<PathBuf> {
        let directory = self.directory.join(name);
        std::fs::create_dir(&directory)?;
        // The account that removes it and its contents must own it.
        let owner = self.directory.metadata()?;
        std::os::unix::fs::chown(&directory, Some(owner.uid()), Some(owner.gid()))?;
        Ok(directory)
    }

    /// Writes a file that only its owner may read, and that is removed with the server.
    pub fn write_private(&self, name: &str, content: &str) -> std::io::Result<PathBuf> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.directory.join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        // The account that removes it must own it.
        let owner = self.directory.metadata()?;
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        file.write_all(content.as_bytes())?;
        Ok(path)
    }

    /// Lets the server, or the databases in it, outlive this process. Returns how to remove them.
    pub fn keep(mut self) -> String {
        self.guard.take().map(Guard::keep).unwrap_or_default()
    }
}
