//! Removing what an earlier run left. That takes the death of its supervisor (a machine out of memory, say):
//! the supervisor itself leaves nothing.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::place::{PREFIX, candidates};

/// A directory this young may belong to a supervisor that has not written its process id yet.
const YOUNG: Duration = Duration::from_mins(1);

/// Ends servers and removes directories whose supervisor is dead. What cannot be removed is left: it is another
/// user's, and that user's runs will see to it.
pub(super) fn sweep() {
    for base in candidates() {
        let entries = std::fs::read_dir(&base).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
            let directory = entry.path();
            if is_abandoned(&directory) {
                end_server(&directory);
                let _ = std::fs::remove_dir_all(&directory);
            }
        }
    }
}

fn is_abandoned(directory: &Path) -> bool {
    if let Some(pid) = read_pid(&directory.join("supervisor.pid")) {
        return kill(pid, None) == Err(Errno::ESRCH);
    }
    let modified = directory.metadata().and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    // Unreadable is not abandoned: the directory is another user's.
    directory.read_dir().is_ok() && age.is_some_and(|age| age > YOUNG)
}

/// Ends the server of an abandoned directory, if the process of that number still is that server.
fn end_server(directory: &Path) {
    let data = directory.join("data");
    let Some(pid) = read_pid(&data.join("postmaster.pid")) else { return };
    let output = Command::new("ps").args(["-o", "args=", "-p", &pid.to_string()]).output();
    let runs_there = output.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains(&*data.to_string_lossy()));
    if runs_there {
        // If it has just ended by itself, all the better.
        let _ = kill(pid, Signal::SIGQUIT);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The process id in the first line of a file.
fn read_pid(path: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().next()?.trim().parse().ok().map(Pid::from_raw)
}
