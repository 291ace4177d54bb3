//! Where a server listens, and as whom to talk to it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The address of a server on a unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The directory of the socket.
    pub socket: PathBuf,
    /// The port, which is part of the socket's name.
    pub port: u16,
    /// The superuser.
    pub user: String,
}

impl Address {
    /// The connection parameters, without a database.
    pub(crate) fn config(&self) -> postgres::Config {
        let mut config = postgres::Config::new();
        config.host_path(&self.socket).port(self.port).user(&self.user);
        config
    }

    /// A `psql` command line that connects to `database`.
    pub fn psql(&self, database: &str) -> String {
        format!("psql -h {} -p {} -U {} -d {database}", self.socket.display(), self.port, self.user)
    }
}
