//! A server started from binaries on this machine: private socket, no durability, gone with its owner.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::account::unprivileged;
use super::binaries;
use super::supervisor::Supervisor;
use super::{Address, Installation, ServerError, ServerOptions, Version, cache, place, sweep};
use crate::session::{Session, identifier};

/// The database that exists in every cluster and that no clone is made from.
pub const MAINTENANCE_DATABASE: &str = "postgres";

/// How long a server may take to answer.
const START_DEADLINE: Duration = Duration::from_mins(1);

const PORT: u16 = 5432;

/// Settings of a server whose data nobody will miss (documentation, "Non-Durable Settings"), and that answers the
/// same on every machine. The log keeps what the server says of itself, not the statements that a test expects to fail.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
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
    "max_connections=300", // a session for each test that runs at once, on a machine with many cores
    "dynamic_shared_memory_type=mmap", // below the data directory, so that it goes with it
    "timezone=UTC",
    "log_timezone=UTC",
    "lc_messages=C",
    "log_min_messages=log",
    "log_checkpoints=off",
];

/// A running server. It ends when this value is dropped, and when the process that holds it ends.
#[derive(Debug)]
pub struct Server {
    address: Address,
    version: Version,
    directory: PathBuf,
    supervisor: Option<Supervisor>,
}

impl Server {
    /// Starts a server and waits until it answers.
    pub fn start(options: &ServerOptions) -> Result<Server, ServerError> {
        Server::start_timed(options).map(|(server, _)| server)
    }

    /// Starts a server, and tells how long PostgreSQL itself took: copying the data directory, starting, the first
    /// session.
    pub fn start_timed(options: &ServerOptions) -> Result<(Server, Duration), ServerError> {
        let installation = binaries::find(options)?;
        let account = unprivileged()?;
        sweep::sweep();
        let cached = cache::data_directory(&installation, account)?;
        let directory = place::choose(account.is_some())?;
        let started = Instant::now();
        let mut supervisor = Supervisor::spawn(&directory, &cached, &command(&installation, &directory), account)?;
        let address = Address { socket: directory.clone(), port: PORT, user: "postgres".to_owned() };
        wait_until_ready(&address, &mut supervisor, &installation.version)?;
        let took = started.elapsed();
        Ok((Server { address, version: installation.version, directory, supervisor: Some(supervisor) }, took))
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The directory that holds its data, socket and log.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes a directory that goes when the server does.
    pub fn make_directory(&self, name: &str) -> std::io::Result<PathBuf> {
        let directory = self.directory.join(name);
        std::fs::create_dir(&directory)?;
        // The supervisor removes it, with what is in it, so it must belong to the supervisor's account.
        let owner = self.directory.metadata()?;
        std::os::unix::fs::chown(&directory, Some(owner.uid()), Some(owner.gid()))?;
        Ok(directory)
    }

    /// Lets the server outlive this process. It then ends, and its directory goes, when somebody stops it.
    pub fn keep(mut self) {
        if let Some(supervisor) = self.supervisor.take() {
            supervisor.keep();
        }
    }
}

/// Makes `database` a copy of `template`, which must have no open session
/// (documentation, "Template Databases").
pub(crate) fn create_database(
    maintenance: &mut Session,
    version: &Version,
    database: &str,
    template: &str,
) -> Result<(), ServerError> {
    // Copying files beats logging each page where nothing is flushed to disk; before 15 there is no choice.
    let strategy = if version.major >= 15 { " STRATEGY file_copy" } else { "" };
    let sql = format!("CREATE DATABASE {} TEMPLATE {}{strategy}", identifier(database), identifier(template));
    maintenance
        .run(&sql)
        .map_err(|source| ServerError::Refused { action: format!("make database {database} from {template}"), source })
}

fn command(installation: &Installation, directory: &Path) -> std::process::Command {
    let mut command = installation.command(installation.bin.join("postgres"));
    command.arg("-D").arg(directory.join("data")).arg("-k").arg(directory).arg("-p").arg(PORT.to_string());
    for setting in SETTINGS {
        command.arg("-c").arg(setting);
    }
    command.env("LC_ALL", "C").env("TZ", "UTC").env_remove("PGDATA").env_remove("PGOPTIONS");
    command
}

fn wait_until_ready(address: &Address, supervisor: &mut Supervisor, version: &Version) -> Result<(), ServerError> {
    let directory = &address.socket;
    let socket = directory.join(format!(".s.PGSQL.{PORT}"));
    let started = Instant::now();
    loop {
        if socket.exists() {
            match Session::open(address, MAINTENANCE_DATABASE) {
                Ok(_) => return Ok(()),
                // 57P03 cannot_connect_now: it is starting up. No report: the socket is there, the server not yet.
                Err(error) if error.sqlstate().is_none_or(|code| code == "57P03") => {}
                Err(source) => {
                    return Err(ServerError::Refused { action: "open the first session".to_owned(), source });
                }
            }
        }
        if directory.join("ended").exists() || supervisor.has_ended() {
            return Err(ServerError::Ended { version: version.clone(), log: log_tail(directory) });
        }
        if started.elapsed() > START_DEADLINE {
            let log = log_tail(directory);
            return Err(ServerError::Deadline { version: version.clone(), waited: START_DEADLINE, log });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The last lines of a server's log.
fn log_tail(directory: &Path) -> String {
    const LINES: usize = 20;
    let bytes = std::fs::read(directory.join("server.log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return "(the log is empty)".to_owned();
    }
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
