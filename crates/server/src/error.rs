//! Errors of starting and using a server. Every message says what to do next.

use std::path::PathBuf;
use std::time::Duration;

use crate::DatabaseError;
use crate::connection::AddressError;
use crate::version::NEWEST_MAJOR;
use crate::version::OLDEST_MAJOR;
use crate::version::Version;

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// No binaries were found.
    #[error(
        "no PostgreSQL found; searched:\n{}\ninstall it (Debian: apt-get install postgresql; Homebrew: brew install postgresql; \
         Fedora: dnf install postgresql-server) or set {} to the directory that contains `postgres` and `initdb`",
        list(.looked), super::BIN_VARIABLE
    )]
    NotFound {
        /// Every place that was searched.
        looked: Vec<String>,
    },
    /// Binaries were found, but none of a suitable version.
    #[error(
        "no PostgreSQL {} found, only:\n{}\ninstall that version, or choose another with --pg or {}",
        wanted.map_or_else(|| format!("{OLDEST_MAJOR} or newer"), |major| major.to_string()),
        list(&.found.iter().map(|(version, bin)| format!("{version} in {}", bin.display())).collect::<Vec<_>>()),
        super::BIN_VARIABLE
    )]
    NoSuchMajor {
        /// The requested major.
        wanted: Option<u16>,
        /// What was found.
        found: Vec<(Version, PathBuf)>,
    },
    /// There are no client programs for a server of this version.
    #[error(
        "no pg_dump and pg_restore of PostgreSQL {major} or newer: this machine has {}; install them (Debian: apt-get install \
         postgresql-client-{major}; Homebrew: brew install postgresql@{major}; Fedora: dnf install postgresql{major}), or set \
         {} to the directory that contains them",
        those_of(.found), super::BIN_VARIABLE
    )]
    NoClient {
        /// The major version of the server.
        major: u16,
        /// The majors that were found.
        found: Vec<u16>,
    },
    /// A configured directory does not contain the binaries.
    #[error("{} contains no PostgreSQL: {problem}; correct {setting}", .bin.display())]
    BadSetting {
        /// The setting that names the directory.
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
    /// The server exited during startup.
    #[error("PostgreSQL {version} exited during startup; the end of its log:\n{}", .log.trim_end())]
    Ended {
        /// The version.
        version: Version,
        /// Its last log lines.
        log: String,
    },
    /// The server exited while it was in use.
    #[error("PostgreSQL {version} exited while it was in use, so the run has no result; the end of its log:\n{}", .log.trim_end())]
    Lost {
        /// The version.
        version: Version,
        /// Its last log lines.
        log: String,
        /// The error of a new session.
        source: DatabaseError,
    },
    /// The server did not answer in time.
    #[error("PostgreSQL {version} accepted no connection within {} s; the end of its log:\n{}", .waited.as_secs(), .log.trim_end())]
    Deadline {
        /// The version.
        version: Version,
        /// How long pgproof waited.
        waited: Duration,
        /// Its last log lines.
        log: String,
    },
    /// Root may not run PostgreSQL, and there is no unprivileged account.
    #[error(
        "PostgreSQL cannot run as root, and neither user `postgres` nor `nobody` exists; create one, or run pgproof as an ordinary user"
    )]
    NoAccount,
    /// No directory is suitable for the server.
    #[error("no directory to run a server in; tried:\n{}\nset TMPDIR to a writable directory with a short path", list(.looked))]
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
    /// The server rejected a statement or connection of pgproof's own.
    #[error("cannot {action}")]
    Rejected {
        /// What was tried.
        action: String,
        /// Why.
        source: DatabaseError,
    },
    /// A setting names an unknown provider.
    #[error("{setting} does not name a server provider: {problem}")]
    BadProvider {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An environment variable has a value that it does not accept.
    #[error("{setting} accepts {expected}; correct or unset it")]
    Setting {
        /// The variable.
        setting: &'static str,
        /// What it accepts.
        expected: &'static str,
    },
    /// No provider works.
    #[error(
        "no usable PostgreSQL found:\n{}\ninstall PostgreSQL (Debian: apt-get install postgresql; Homebrew: brew install postgresql), or start \
         Docker, or set {} to a connection string",
        list(&.tried.iter().map(|(provider, error)| format!("{provider}: {}", indented(&pgproof_sql::with_causes(error)))).collect::<Vec<_>>()),
        super::SERVER_VARIABLE
    )]
    NoProvider {
        /// Each provider and its error.
        tried: Vec<(&'static str, ServerError)>,
    },
    /// Several majors of an external server, which has one.
    #[error("an external server has one version; omit --pg, or use --server local, docker or download")]
    OneMajor,
    /// The connection string of an external server is invalid.
    #[error("the external server cannot be used")]
    Address {
        /// Why.
        source: AddressError,
    },
    /// The external server accepts no session.
    #[error("cannot connect to the server at {place}")]
    Unreachable {
        /// Host and port.
        place: String,
        /// Why.
        source: DatabaseError,
    },
    /// The external server, or the image, has a different version than requested.
    #[error(
        "{place} has PostgreSQL {version}, but {} was requested",
        wanted.map_or_else(|| format!("{OLDEST_MAJOR} or newer"), |major| major.to_string())
    )]
    OtherMajor {
        /// The server, or the image.
        place: String,
        /// The requested major.
        wanted: Option<u16>,
        /// Its version.
        version: Version,
    },
    /// The external server is read-only.
    #[error("the server at {place} is a standby, which is read-only; connect to the primary")]
    Standby {
        /// Host and port.
        place: String,
    },
    /// The role may not create databases.
    #[error(
        "role {role} may not create databases on {place}, and pgproof uses only databases of its own; \
         have an administrator run: ALTER ROLE {role} CREATEDB"
    )]
    MayNotCreate {
        /// Host and port.
        place: String,
        /// The role.
        role: String,
    },
    /// The role that is to own a run's databases exists, so it is not the run's.
    #[error(
        "role {role} already exists on {place}, and pgproof uses only roles of its own; choose another owner, or drop the role"
    )]
    RoleExists {
        /// The role.
        role: String,
        /// Host and port.
        place: String,
    },
    /// The reaper could not be started.
    #[error("cannot start the reaper, the process that removes what this run creates: {problem}")]
    Reaper {
        /// Why.
        problem: String,
    },
    /// There is no container engine.
    #[error("no container engine: {problem}; start Docker, or set DOCKER_HOST to its address")]
    NoEngine {
        /// What the engine, or the client, reported.
        problem: String,
    },
    /// A container could not be created.
    #[cfg(feature = "docker")]
    #[error(
        "cannot create a container from image {image}; if the image cannot be pulled, load it, or name another with {}",
        super::IMAGE_VARIABLE
    )]
    Container {
        /// The image.
        image: String,
        /// Why.
        source: Box<testcontainers::TestcontainersError>,
    },
    /// A container's server does not become ready.
    #[error(
        "PostgreSQL in a container of {image} {}; the end of its log:\n{log}",
        waited.map_or_else(|| "exited during startup".to_owned(), |waited| format!("accepted no connection within {} s", waited.as_secs()))
    )]
    NotReady {
        /// The image.
        image: String,
        /// How long pgproof waited, unless the server exited.
        waited: Option<Duration>,
        /// Its last log lines.
        log: String,
    },
    /// Downloads are disabled, or there is nothing to download.
    #[error("cannot download PostgreSQL: {why}; {} allows (1) or disables (0) downloads", super::DOWNLOAD_VARIABLE)]
    NoDownload {
        /// Why not.
        why: &'static str,
    },
    /// There is no archive of this major.
    #[error("PostgreSQL {major} is not available for download, only {OLDEST_MAJOR} to {NEWEST_MAJOR}")]
    NoRelease {
        /// The major.
        major: u16,
    },
    /// An archive could not be downloaded.
    #[error("cannot download {url}: {problem}")]
    Fetch {
        /// Its address.
        url: String,
        /// Why.
        problem: String,
    },
    /// An archive is not what was expected.
    #[error("{url} is damaged: {problem}")]
    Archive {
        /// Its address.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The run context that another process passed on cannot be used.
    #[error("{} does not describe a run: {problem}", .file.display())]
    RunContext {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl ServerError {
    /// The SQLSTATE, where the server rejected something.
    pub(crate) fn sqlstate(&self) -> Option<&str> {
        match self {
            ServerError::Rejected { source, .. } => source.sqlstate(),
            _ => None,
        }
    }
}

/// The majors of client programs, in a sentence.
fn those_of(majors: &[u16]) -> String {
    match majors {
        [] => "none".to_owned(),
        majors => format!("those of {}", majors.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}
