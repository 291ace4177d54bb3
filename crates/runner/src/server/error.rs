//! Why there is no server. Every message says what to do next.

use std::path::PathBuf;
use std::time::Duration;

use super::version::{OLDEST_MAJOR, Version};
use crate::database_error::DatabaseError;

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No binaries anywhere.
    #[error(
        "no PostgreSQL found; looked at:\n{}\ninstall it (Debian: apt-get install postgresql; Homebrew: brew install postgresql; \
         Fedora: dnf install postgresql-server) or set {} to the directory that holds `postgres` and `initdb`",
        list(.looked), super::BIN_VARIABLE
    )]
    NotFound {
        /// Every place that was looked at.
        looked: Vec<String>,
    },
    /// Binaries, but none of a version that will do.
    #[error(
        "no PostgreSQL {} found, only:\n{}\ninstall that version, or ask for another with --pg or {}",
        wanted.map_or_else(|| format!("{OLDEST_MAJOR} or newer"), |major| major.to_string()),
        list(&.found.iter().map(|(version, bin)| format!("{version} in {}", bin.display())).collect::<Vec<_>>()),
        super::BIN_VARIABLE
    )]
    NoSuchMajor {
        /// The major that was asked for.
        wanted: Option<u16>,
        /// What there is.
        found: Vec<(Version, PathBuf)>,
    },
    /// A configured directory does not hold the binaries.
    #[error("{} holds no PostgreSQL: {problem}; correct {setting}", .bin.display())]
    BadSetting {
        /// What names the directory.
        setting: &'static str,
        /// The directory.
        bin: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// `initdb` failed.
    #[error("{} failed ({status}):\n{}", .initdb.display(), .output.trim_end())]
    Initdb {
        /// The program.
        initdb: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it printed.
        output: String,
    },
    /// The server ended while it was starting.
    #[error("PostgreSQL {version} ended while starting; the end of its log:\n{}", .log.trim_end())]
    Ended {
        /// The version.
        version: Version,
        /// Its last log lines.
        log: String,
    },
    /// The server did not answer in time.
    #[error("PostgreSQL {version} took no connection within {} s; the end of its log:\n{}", .waited.as_secs(), .log.trim_end())]
    Deadline {
        /// The version.
        version: Version,
        /// How long it was waited for.
        waited: Duration,
        /// Its last log lines.
        log: String,
    },
    /// Root may not run PostgreSQL, and there is nobody else.
    #[error(
        "PostgreSQL refuses to run as root, and neither user `postgres` nor `nobody` exists; create one, or run pgproof as an ordinary user"
    )]
    NoAccount,
    /// No directory for the server to live in.
    #[error("no directory to run a server in; looked at:\n{}\nset TMPDIR to a writable directory with a short path", list(.looked))]
    NoPlace {
        /// Each directory and what is wrong with it.
        looked: Vec<String>,
    },
    /// The cache of data directories cannot be used.
    #[error("cannot {action} {}; set {} to a writable directory", .path.display(), super::CACHE_VARIABLE)]
    Cache {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program could not be run.
    #[error("cannot run {}", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The server refused what pgproof asked of it.
    #[error("cannot {action}")]
    Refused {
        /// What was tried.
        action: String,
        /// Why.
        source: DatabaseError,
    },
    /// A server handed over by another process is described wrongly.
    #[error("{variable} does not describe a server")]
    Handover {
        /// The environment variable.
        variable: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
