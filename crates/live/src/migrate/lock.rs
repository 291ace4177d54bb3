//! One run at a time: an advisory lock of the database, in a session of its own.

use std::time::Duration;

use pgproof_runner::migration::lock_migrations;
use pgproof_server::Session;

use super::MigrateError;
use crate::Target;

/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(50);

/// The lock, until it is dropped.
#[derive(Debug)]
pub struct Lock(Session);

impl Lock {
    /// The session that holds it, to read with.
    pub fn session(&mut self) -> &mut Session {
        &mut self.0
    }
}

/// Takes the lock, and waits this long for another run that holds it.
pub fn lock(target: &Target, wait: Duration) -> Result<Lock, MigrateError> {
    let failed = |source| MigrateError::Target { target: target.to_string(), source };
    let mut session = target.reader().map_err(failed)?;
    if !lock_migrations(&mut session, wait, PAUSE).map_err(failed)? {
        return Err(MigrateError::Busy { target: target.to_string(), waited_s: wait.as_secs() });
    }
    Ok(Lock(session))
}
