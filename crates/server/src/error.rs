//! Why there is no server. Every message says what to do next.

use std::path::PathBuf;
use std::time::Duration;

use crate::DatabaseError;
use crate::connection::AddressError;
use crate::version::NEWEST_MAJOR;
use crate::version::OLDEST_MAJOR;
use crate::version::Version;

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
    /// The server ended while it was in use.
    #[error("PostgreSQL {version} ended while it was in use, so that nothing is known of what was to be proven; the end of its log:\n{}", .log.trim_end())]
    Lost {
        /// The version.
        version: Version,
        /// Its last log lines.
        log: String,
        /// What a new session is told.
        source: DatabaseError,
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
    /// A setting names no provider.
    #[error("{setting} is no provider of servers: {problem}")]
    BadProvider {
        /// What names it.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// No provider works.
    #[error(
        "no PostgreSQL to be had:\n{}\ninstall PostgreSQL (Debian: apt-get install postgresql; Homebrew: brew install postgresql), or start \
         Docker, or set {} to a connection string",
        list(&.tried.iter().map(|(provider, error)| format!("{provider}: {}", indented(&pgproof_sql::with_causes(error)))).collect::<Vec<_>>()),
        super::SERVER_VARIABLE
    )]
    NoProvider {
        /// Each provider and why it does not.
        tried: Vec<(&'static str, ServerError)>,
    },
    /// All majors of a provider that has one.
    #[error("a given server has one version; leave --pg out, or ask for --server local, docker or download")]
    OneMajor,
    /// The connection string of a given server.
    #[error("the given server cannot be used")]
    Address {
        /// Why.
        source: AddressError,
    },
    /// The given server takes no session.
    #[error("the server at {place} takes no session")]
    Unreachable {
        /// Host and port.
        place: String,
        /// Why.
        source: DatabaseError,
    },
    /// The given server, or image, has another version than was asked for.
    #[error(
        "{place} has PostgreSQL {version}, and {} was asked for",
        wanted.map_or_else(|| format!("{OLDEST_MAJOR} or newer"), |major| major.to_string())
    )]
    OtherMajor {
        /// The server, or the image.
        place: String,
        /// The major that was asked for.
        wanted: Option<u16>,
        /// Its version.
        version: Version,
    },
    /// The given server takes no writes.
    #[error("the server at {place} is a standby, which takes no writes; give the primary")]
    Standby {
        /// Host and port.
        place: String,
    },
    /// The role may not make databases.
    #[error(
        "role {role} may not make databases on {place}, and pgproof touches no database but its own; \
         let an administrator run: ALTER ROLE {role} CREATEDB"
    )]
    MayNotCreate {
        /// Host and port.
        place: String,
        /// The role.
        role: String,
    },
    /// The process that removes what a run made could not be started.
    #[error("cannot start the process that removes what this run makes: {problem}")]
    Reaper {
        /// Why.
        problem: String,
    },
    /// There is no container engine.
    #[error("no container engine: {problem}; start Docker, or set DOCKER_HOST to where it listens")]
    NoEngine {
        /// What was said.
        problem: String,
    },
    /// A container could not be made.
    #[cfg(feature = "docker")]
    #[error(
        "no container of image {image}; if the image cannot be pulled, load it, or name another with {}",
        super::IMAGE_VARIABLE
    )]
    Container {
        /// The image.
        image: String,
        /// Why.
        source: Box<testcontainers::TestcontainersError>,
    },
    /// A container's server does not come.
    #[error(
        "PostgreSQL in a container of {image} {}; the end of its log:\n{log}",
        waited.map_or_else(|| "ended while starting".to_owned(), |waited| format!("took no connection within {} s", waited.as_secs()))
    )]
    NotReady {
        /// The image.
        image: String,
        /// How long it was waited for, unless it ended.
        waited: Option<Duration>,
        /// Its last log lines.
        log: String,
    },
    /// Nothing may be downloaded, or there is nothing.
    #[error("PostgreSQL is not downloaded: {why}; {} says whether it may be", super::DOWNLOAD_VARIABLE)]
    NoDownload {
        /// Why not.
        why: &'static str,
    },
    /// A major that there is no archive of.
    #[error("there is no PostgreSQL {major} to download, only {OLDEST_MAJOR} to {NEWEST_MAJOR}")]
    NoRelease {
        /// The major.
        major: u16,
    },
    /// An archive could not be fetched.
    #[error("cannot fetch {url}: {problem}")]
    Fetch {
        /// Its address.
        url: String,
        /// Why.
        problem: String,
    },
    /// An archive is not what it should be.
    #[error("{url} is damaged: {problem}")]
    Archive {
        /// Its address.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A server handed over by another process is described wrongly.
    #[error("{variable} does not describe a server")]
    RunContext {
        /// The environment variable.
        variable: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl ServerError {
    /// The SQLSTATE of a refusal.
    pub(crate) fn sqlstate(&self) -> Option<&str> {
        match self {
            ServerError::Refused { source, .. } => source.sqlstate(),
            _ => None,
        }
    }
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}
