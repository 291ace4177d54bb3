//! A database that is in use, in place of a template: its sessions cannot write, and no copy is made of it.

use std::time::Duration;

use pgproof_server::connection::Address;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::identifier;
use serde::{Deserialize, Serialize};

/// How long a session may wait for a lock: it must not make others wait behind it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// A database that is in use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InUse {
    /// Its server, the role to log in as, and its name.
    address: Address,
    /// The role that stands for the one that ran the migrations; none for the owner of most of its tables.
    pub owner: Option<String>,
}

impl InUse {
    /// The database that `address` names. Its sessions are read-only and are called `pgproof` there.
    pub fn new(address: Address, owner: Option<String>) -> InUse {
        let timeout = LOCK_TIMEOUT.as_millis();
        let ours = format!(
            "-c default_transaction_read_only=on -c lock_timeout={timeout} -c idle_in_transaction_session_timeout=0"
        );
        let options = [address.get("options").unwrap_or_default(), &ours].join(" ");
        InUse { address: address.with("options", options.trim()).with("application_name", "pgproof"), owner }
    }

    /// Its server, and the role to log in as, with the options of its sessions.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its name.
    pub fn database(&self) -> &str {
        self.address.maintenance()
    }

    /// Opens a session with it. `search_path` is what the schema configures; none to leave it as it is.
    pub(super) fn session(&self, search_path: &[String]) -> Result<Session, DatabaseError> {
        let mut session = Session::open(&self.address, self.database())?;
        // A connection pooler may ignore the options of a connection.
        session.run("SET default_transaction_read_only = on")?;
        if !search_path.is_empty() {
            let path: Vec<_> = search_path.iter().map(|name| identifier(name)).collect();
            session.run(&format!("SET search_path TO {}", path.join(", ")))?;
        }
        Ok(session)
    }
}
