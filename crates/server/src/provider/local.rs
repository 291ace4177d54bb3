//! A server started from binaries on this machine: private socket, no durability, removed when its owner ends.

use postgres::error::SqlState;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Provider;
use crate::connection::Address;
use crate::ending::guard::Guard;
use crate::ending::watchdog::Watchdog;
use crate::installation::account::{Account, unprivileged};
use crate::installation::{binaries, cache, place, sweep};
use crate::settings::{DISPOSABLE, start_deadline};
use crate::{Installation, Server, ServerError, ServerHandle, ServerOptions, Session, Version, log};

const PORT: u16 = 5432;

/// Binaries on this machine.
#[derive(Debug)]
pub(super) struct Local;

impl Provider for Local {
    fn start(&self, options: &ServerOptions) -> Result<Server, ServerError> {
        start(&binaries::find(options)?, "local")
    }

    fn majors(&self, options: &ServerOptions) -> Result<Vec<u16>, ServerError> {
        binaries::majors(options)
    }

    fn describe(&self, options: &ServerOptions) -> Result<String, ServerError> {
        binaries::find(options).map(|found| format!("{} in {}", found.version, found.bin.display()))
    }
}

/// Ends a server on this machine.
#[derive(Debug)]
struct LocalGuard {
    watchdog: Watchdog,
    directory: PathBuf,
}

impl Guard for LocalGuard {
    fn log(&self) -> String {
        log::of(&self.directory.join("server.log"))
    }

    fn keep(self: Box<Self>) -> String {
        let pid = std::fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap_or_default();
        self.watchdog.keep();
        format!("kill -INT {}", pid.lines().next().unwrap_or("PID"))
    }
}

/// Starts a server from these binaries and waits until it answers.
pub(super) fn start(installation: &Installation, provider: &str) -> Result<Server, ServerError> {
    let account = unprivileged()?;
    sweep::sweep();
    let cached = cache::data_directory(installation, account)?;
    match start_copy(installation, provider, &cached.data, account) {
        // The cached data directory may be damaged; a new one from initdb is not.
        Err(ServerError::Ended { .. } | ServerError::Rejected { .. }) => {
            cache::forget(&cached)?;
            start_copy(installation, provider, &cache::data_directory(installation, account)?.data, account)
        }
        other => other,
    }
}

/// Starts a server with a copy of a data directory.
fn start_copy(
    installation: &Installation,
    provider: &str,
    cached: &Path,
    account: Option<Account>,
) -> Result<Server, ServerError> {
    let directory = place::choose(account.is_some())?;
    let started = Instant::now();
    let mut watchdog = Watchdog::spawn(&directory, cached, &command(installation, &directory), account)?;
    let address = Address::on_socket(&directory, PORT, "postgres");
    wait_until_ready(&address, &directory, &mut watchdog, &installation.version)?;
    let took = started.elapsed();
    let version = installation.version.clone();
    let handle = ServerHandle { address, version, provider: provider.to_owned(), limits: None, run: None };
    let guard = Box::new(LocalGuard { watchdog, directory: directory.clone() });
    Ok(Server { handle, directory, guard: Some(guard), took })
}

fn command(installation: &Installation, directory: &Path) -> std::process::Command {
    let mut command = installation.command(installation.bin.join("postgres"));
    command.arg("-D").arg(directory.join("data")).arg("-k").arg(directory).arg("-p").arg(PORT.to_string());
    command.args(["-c", "listen_addresses="]);
    for setting in DISPOSABLE {
        command.arg("-c").arg(setting);
    }
    command.env("LC_ALL", "C").env("TZ", "UTC").env_remove("PGDATA").env_remove("PGOPTIONS");
    command
}

fn wait_until_ready(
    address: &Address,
    directory: &Path,
    watchdog: &mut Watchdog,
    version: &Version,
) -> Result<(), ServerError> {
    let socket = directory.join(format!(".s.PGSQL.{PORT}"));
    let started = Instant::now();
    loop {
        if socket.exists() {
            match Session::open(address, address.maintenance()) {
                Ok(_) => return Ok(()),
                // 57P03 cannot_connect_now: it is starting up. No SQLSTATE: the socket exists, the server not yet.
                Err(error) if error.sqlstate().is_none_or(|code| code == SqlState::CANNOT_CONNECT_NOW.code()) => {}
                Err(source) => {
                    return Err(ServerError::Rejected { action: "open the first session".to_owned(), source });
                }
            }
        }
        if directory.join("ended").exists() || watchdog.has_ended() {
            return Err(ServerError::Ended { version: version.clone(), log: log::of(&directory.join("server.log")) });
        }
        let deadline = start_deadline();
        if started.elapsed() > deadline {
            let log = log::of(&directory.join("server.log"));
            return Err(ServerError::Deadline { version: version.clone(), waited: deadline, log });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
