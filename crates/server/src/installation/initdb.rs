//! Runs `initdb` for an entry of the cache, in a process group of its own. Whoever kills the run, its group included, does
//! not reach it: it completes the entry. It holds the lock of the entry until its last process has ended.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use crate::Installation;
use crate::ServerError;
use crate::installation::account::{Account, run_as};

const SCRIPT: &str = include_str!("initdb.sh");

/// The arguments of `initdb`. Every machine has the C locale; a small WAL segment makes a small copy.
pub(super) const ARGUMENTS: &[&str] = &[
    "--no-sync",
    "--no-instructions",
    "--locale=C",
    "--encoding=UTF8",
    "--wal-segsize=1",
    "--auth=trust", // only the owner can enter the socket's directory
    "--username=postgres",
];

/// Creates `data` in an entry whose lock this process holds, and removes what was there.
pub(super) fn run(
    installation: &Installation,
    entry: &Path,
    lock: &File,
    account: Option<Account>,
) -> Result<(), ServerError> {
    let initdb = installation.bin.join("initdb");
    let failed = |source| ServerError::Spawn { program: initdb.clone(), source };
    let mut command = installation.command("/bin/sh");
    command.arg("-c").arg(SCRIPT).arg("pgproof").arg(entry).arg(installation.bin.join("postgres"));
    command.arg(&initdb).args(ARGUMENTS).env("LC_ALL", "C").env("TZ", "UTC");
    run_as(&mut command, account);
    command.process_group(0).stdin(lock.try_clone().map_err(failed)?).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(ServerError::Initdb { initdb, status: output.status, output: String::from_utf8_lossy(&text).into_owned() })
}
