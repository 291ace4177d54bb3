//! One run at a time: an advisory lock of the database, in a session of its own.

use std::time::{Duration, Instant};

use pgproof_runner::migration::MIGRATION_LOCK;
use pgproof_server::Session;

use super::MigrateError;
use crate::Target;

/// How long to wait before trying again: waiting inside a statement would hold a snapshot, for which CREATE INDEX
/// CONCURRENTLY would wait in turn.
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
    let started = Instant::now();
    let try_lock = format!("SELECT pg_try_advisory_lock({MIGRATION_LOCK})");
    while session.value(&try_lock).map_err(failed)?.as_deref() != Some("t") {
        if started.elapsed() >= wait {
            return Err(MigrateError::Busy { target: target.to_string(), waited_s: wait.as_secs() });
        }
        std::thread::sleep(PAUSE);
    }
    Ok(Lock(session))
}
