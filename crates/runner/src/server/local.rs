//! A server started from binaries on this machine: private socket, no durability, gone with its owner.

use std::path::Path;
use std::time::{Duration, Instant};

use super::account::{Account, unprivileged};
use super::running::Keeper;
use super::settings::{DISPOSABLE, start_deadline};
use super::supervisor::Supervisor;
use super::{Cluster, Installation, Server, ServerError, Version, cache, log, place, sweep};
use crate::connection::Address;
use crate::session::Session;

const PORT: u16 = 5432;

/// Starts a server and waits until it answers. Also tells how long PostgreSQL itself took: copying the data directory,
/// starting, the first session.
pub(super) fn start(installation: &Installation, provider: &str) -> Result<(Server, Duration), ServerError> {
    let account = unprivileged()?;
    sweep::sweep();
    let cached = cache::data_directory(installation, account)?;
    match start_copy(installation, provider, &cached, account) {
        // What is in the cache may be damaged; what initdb makes now is not.
        Err(ServerError::Ended { .. } | ServerError::Refused { .. }) => {
            cache::forget(&cached)?;
            start_copy(installation, provider, &cache::data_directory(installation, account)?, account)
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
) -> Result<(Server, Duration), ServerError> {
    let directory = place::choose(account.is_some())?;
    let started = Instant::now();
    let mut supervisor = Supervisor::spawn(&directory, cached, &command(installation, &directory), account)?;
    let address = Address::on_socket(&directory, PORT, "postgres");
    wait_until_ready(&address, &directory, &mut supervisor, &installation.version)?;
    let took = started.elapsed();
    let version = installation.version.clone();
    let cluster = Cluster { address, version, provider: provider.to_owned(), limits: None, run: None };
    Ok((Server { cluster, directory, keeper: Keeper::Local { supervisor } }, took))
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
    supervisor: &mut Supervisor,
    version: &Version,
) -> Result<(), ServerError> {
    let socket = directory.join(format!(".s.PGSQL.{PORT}"));
    let started = Instant::now();
    loop {
        if socket.exists() {
            match Session::open(address, address.maintenance()) {
                Ok(_) => return Ok(()),
                // 57P03 cannot_connect_now: it is starting up. No report: the socket is there, the server not yet.
                Err(error) if error.sqlstate().is_none_or(|code| code == "57P03") => {}
                Err(source) => {
                    return Err(ServerError::Refused { action: "open the first session".to_owned(), source });
                }
            }
        }
        if directory.join("ended").exists() || supervisor.has_ended() {
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
