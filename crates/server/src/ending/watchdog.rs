//! A small process that outlives pgproof just long enough to end its server: however pgproof ends (`kill -9`
//! included), the watchdog's standard input closes, and it stops the server and removes the directory.
//!
//! It is a script for `/bin/sh`, because any process may start a server, including a test binary of another workspace,
//! where no program of ours is installed, and a fork without exec would need `unsafe`.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ServerError;
use crate::installation::account::Account;
use crate::installation::account::run_as;
use crate::installation::sweep;
use crate::without_secrets;

const SCRIPT: &str = include_str!("watchdog.sh");

/// How long a server may take to stop.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// The owner's side: the server lives until this is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    process: Child,
    directory: PathBuf,
}

impl Watchdog {
    /// Starts the watchdog, which creates `directory`, copies `cache` to its `data` and runs `server` there.
    pub(crate) fn spawn(
        directory: &Path,
        cache: &Path,
        server: &Command,
        account: Option<Account>,
    ) -> Result<Watchdog, ServerError> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(SCRIPT).arg("pgproof").arg(directory).arg(cache);
        command.arg(server.get_program()).args(server.get_args());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("PGPROOF_NAMESPACE", sweep::namespace());
        run_as(without_secrets(&mut command), account);
        // Its own process group: Ctrl-C in the terminal reaches pgproof, and the watchdog only through it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().map_err(|source| ServerError::Spawn { program: "/bin/sh".into(), source })?;
        Ok(Watchdog { process, directory: directory.to_path_buf() })
    }

    /// Whether the watchdog has exited. It exits before its owner only if it could not start.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Lets the server outlive its owner.
    pub(crate) fn keep(mut self) {
        if let Some(mut stdin) = self.process.stdin.take() {
            // If the watchdog is dead, so is the server, and there is nothing to keep.
            let _ = stdin.write_all(b"keep\n");
        }
        std::mem::forget(self);
    }
}

impl Drop for Watchdog {
    /// Stops the server and waits until nothing is left of it.
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let deadline = Instant::now() + END_DEADLINE;
        while Instant::now() < deadline {
            match self.process.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Ok(Some(_)) | Err(_) => break,
            }
        }
        // Somebody killed it: nobody else removes its directory before this process has ended.
        sweep::remove_if_of(&self.directory, self.process.id());
    }
}
