//! Why a database could not be migrated.

use pgproof_runner::isolation::IsolationError;
use pgproof_runner::migration::MigrationError;
use pgproof_server::DatabaseError;

use crate::backup::CopyError;

/// Why a database could not be migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database cannot be reached or read.
    #[error("cannot read {target}")]
    Target {
        /// The database.
        target: String,
        /// Why.
        source: DatabaseError,
    },
    /// The migrations cannot be applied to a disposable database.
    #[error("the migrations do not apply to an empty database, so nothing was changed")]
    Chain(#[source] MigrationError),
    /// There is no disposable database.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// The catalog of the database cannot be copied.
    #[error("what is pending cannot be rehearsed, so nothing was changed")]
    Copy(#[source] Box<CopyError>),
    /// The disposable database cannot be read.
    #[error("cannot read the database that the migrations made")]
    Expected(#[source] DatabaseError),
    /// Somebody else migrates the database.
    #[error(
        "another run of pgproof has been migrating {target} for {waited_s} s; nothing was changed; find its session by the advisory lock in pg_locks, or wait longer with --wait"
    )]
    Busy {
        /// The database.
        target: String,
        /// How long pgproof waited, in seconds.
        waited_s: u64,
    },
    /// A file cannot be rolled back.
    #[error("{} has no down migration, so nothing was changed; a database without one goes back by a backup: pgproof restore", .file.display())]
    NoDown {
        /// The file.
        file: std::path::PathBuf,
    },
    /// A down migration cannot be applied to a disposable database.
    #[error("the down migrations do not apply to a disposable database, so nothing was changed")]
    Down(#[source] MigrationError),
    /// What would be lost cannot be counted.
    #[error("the rows that would be lost cannot be counted, so nothing was changed")]
    Counting(#[source] DatabaseError),
    /// A statement failed.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// A lock was not obtained.
    #[error(
        "a lock was not obtained within {waited_s} s, {times} times; other sessions hold it: see pg_stat_activity for long transactions, then run the command again, which goes on here"
    )]
    Locked {
        /// How long each attempt waited, in seconds.
        waited_s: f64,
        /// How often it was tried.
        times: u32,
        /// The statement that waited.
        source: MigrationError,
    },
}

impl From<CopyError> for MigrateError {
    fn from(error: CopyError) -> MigrateError {
        MigrateError::Copy(Box::new(error))
    }
}
