//! The settings of a server started by pgproof, wherever it runs, and how long to wait for it.

use std::time::Duration;

/// How many seconds a server may take to answer, instead of 60.
pub const START_TIMEOUT_VARIABLE: &str = "PGPROOF_START_TIMEOUT";

/// How long a server may take from start to first answer.
pub(crate) fn start_deadline() -> Duration {
    let set = std::env::var(START_TIMEOUT_VARIABLE).ok().and_then(|seconds| seconds.parse().ok());
    set.filter(|seconds| *seconds > 0).map_or(Duration::from_mins(1), Duration::from_secs)
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
