//! A server that this process may use until it ends, and whoever sees to it that nothing of it remains.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::caretaker::Caretaker;
use super::supervisor::Supervisor;
use super::{Cluster, ServerError, Source, Version, log};
use crate::connection::Address;
use crate::session::Session;

/// A running server. What was made there ends when this value is dropped, and when the process that holds it ends.
#[derive(Debug)]
pub struct Server {
    pub(super) cluster: Cluster,
    pub(super) directory: PathBuf,
    pub(super) keeper: Keeper,
}

/// Who ends what, in the order of the fields.
#[derive(Debug)]
pub(super) enum Keeper {
    /// A server on this machine.
    Local { supervisor: Supervisor },
    /// Databases on somebody's server: the session by which others know that the run lives (locked by nobody, but a
    /// server is shared between threads).
    Borrowed { lifeline: Box<Mutex<Session>>, caretaker: Caretaker },
    /// A container.
    #[cfg(feature = "docker")]
    Container { container: Box<super::docker::Running>, caretaker: Caretaker },
    /// Nobody: it goes on.
    Nobody,
}

impl Server {
    /// The server, for those who make databases in it.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.cluster.address
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.cluster.version
    }

    /// The directory of the run's files; a local server's data, socket and log too.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Why nothing can be proven on the server any more, if so: it ended while it was in use, or has no room left.
    pub fn is_lost(&self) -> Option<ServerError> {
        let error = match self.cluster.maintenance() {
            Ok(mut session) => {
                let made = self.cluster.create_database(&mut session, "probe", Source::Nothing);
                // Class 53, "Insufficient Resources".
                return made.err().filter(|error| error.sqlstate().is_some_and(|code| code.starts_with("53")));
            }
            Err(error) => error,
        };
        // With a report it is there, whatever it says; but for 57P01 admin_shutdown to 57P03 cannot_connect_now.
        if error.sqlstate().is_some_and(|code| !code.starts_with("57P0")) {
            return None;
        }
        Some(ServerError::Lost { version: self.cluster.version.clone(), log: self.log(), source: error })
    }

    /// The end of the server's log.
    pub fn log(&self) -> String {
        match &self.keeper {
            #[cfg(feature = "docker")]
            Keeper::Container { container, .. } => container.log(),
            Keeper::Local { .. } => log::of(&self.directory.join("server.log")),
            _ => "(it is where the server is)".to_owned(),
        }
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
        match std::mem::replace(&mut self.keeper, Keeper::Nobody) {
            Keeper::Local { supervisor } => {
                let pid = std::fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap_or_default();
                supervisor.keep();
                format!("kill -INT {}", pid.lines().next().unwrap_or("PID"))
            }
            Keeper::Borrowed { lifeline, caretaker } => {
                caretaker.keep();
                drop(lifeline);
                "any later run of pgproof on that server".to_owned()
            }
            #[cfg(feature = "docker")]
            Keeper::Container { container, caretaker } => {
                caretaker.keep();
                container.keep()
            }
            Keeper::Nobody => String::new(),
        }
    }
}
