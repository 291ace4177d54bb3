//! The settings of a server started by pgproof, wherever it runs, and how long to wait for it.

use std::time::Duration;

use crate::ServerError;

/// How many seconds a server may take to answer, instead of 60.
pub const START_TIMEOUT_VARIABLE: &str = "PGPROOF_START_TIMEOUT";

/// The longest that a server may be waited for, in seconds: a day.
const LONGEST_START: u64 = 24 * 60 * 60;

/// How long a server may take from start to first answer.
pub(crate) fn start_deadline() -> Duration {
    set_deadline().ok().flatten().unwrap_or(Duration::from_mins(1))
}

/// Rejects a value of [`START_TIMEOUT_VARIABLE`] that is no number of seconds.
pub(crate) fn check_start_deadline() -> Result<(), ServerError> {
    set_deadline().map(|_| ()).map_err(|expected| ServerError::Setting { setting: START_TIMEOUT_VARIABLE, expected })
}

fn set_deadline() -> Result<Option<Duration>, &'static str> {
    let Some(text) = std::env::var_os(START_TIMEOUT_VARIABLE).filter(|text| !text.is_empty()) else { return Ok(None) };
    let seconds = text.to_str().and_then(|text| text.trim().parse().ok());
    let seconds = seconds.filter(|seconds| (1..=LONGEST_START).contains(seconds));
    seconds.map(|seconds| Some(Duration::from_secs(seconds))).ok_or("a number of seconds, from 1 to 86400")
}

/// Settings of a server whose data is disposable (documentation, "Non-Durable Settings") and that behaves the same on
/// every machine. The log contains messages of the server itself, not statements that a test expects to fail.
pub(crate) const DISPOSABLE: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "shared_buffers=32MB",
    "max_wal_size=1GB",
    "checkpoint_timeout=1d",
    "jit=off",
    "max_connections=300", // one session per concurrent test, on a machine with many cores
    "dynamic_shared_memory_type=mmap", // below the data directory, so that it is removed with it
    "timezone=UTC",
    "log_timezone=UTC",
    "lc_messages=C",
    "log_min_messages=log",
    "log_checkpoints=off",
    "restart_after_crash=off", // results from a crashed server are worthless; its log ends with the reason
];
