//! Removes what an earlier run left behind. A run leaves something only if its watchdog or reaper was killed too (on a
//! machine out of memory, say).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::installation::place::PREFIX;
use crate::installation::place::candidates;

/// Stops servers and removes directories whose watchdog or reaper is dead. What cannot be removed belongs to another
/// user, whose own runs will remove it.
pub(crate) fn sweep() {
    for base in candidates() {
        let entries = std::fs::read_dir(&base).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| is_a_run(&entry.file_name().to_string_lossy())) {
            let directory = entry.path();
            if is_abandoned(&directory) {
                end_server(&directory);
                let _ = std::fs::remove_dir_all(&directory);
            }
        }
    }
}

/// Whether a directory is named after a run: other directories called pgproof-something are not ours to remove.
fn is_a_run(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = name.strip_prefix(PREFIX).and_then(|numbers| numbers.split_once('-'));
    numbers.is_some_and(|(owner, number)| digits(owner) && digits(number))
}

/// Whether the watchdog or reaper that wrote its process id there is dead. A directory without one is just being
/// created, or another user's.
fn is_abandoned(directory: &Path) -> bool {
    std::fs::read_to_string(directory.join("watchdog.pid")).is_ok_and(|text| is_dead(text.trim()))
}

/// Whether the process with this id, in this namespace, is dead. Process ids of another namespace (a container that
/// shares a directory, or an engine) mean nothing here.
pub(crate) fn is_dead(pid_and_namespace: &str) -> bool {
    let (pid, theirs) = pid_and_namespace.split_once(' ').unwrap_or((pid_and_namespace, ""));
    let Ok(pid) = pid.parse().map(Pid::from_raw) else { return false };
    theirs == namespace() && kill(pid, None) == Err(Errno::ESRCH)
}

/// Distinguishes the process ids of this system from those of others. The initial namespace has the same number on
/// every Linux system, so the boot ID is included.
pub(crate) fn namespace() -> String {
    let namespace = std::fs::read_link("/proc/self/ns/pid").map(|path| path.display().to_string()).unwrap_or_default();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot =
        if boot.is_empty() { nix::unistd::gethostname().unwrap_or_default().display().to_string() } else { boot };
    format!("{namespace} {}", boot.trim())
}

/// Stops the server of an abandoned directory, if the process with that id is still that server.
fn end_server(directory: &Path) {
    let data = directory.join("data");
    let Some(pid) = read_pid(&data.join("postmaster.pid")) else { return };
    let output = Command::new("ps").args(["-o", "args=", "-p", &pid.to_string()]).output();
    let runs_there = output.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains(&*data.to_string_lossy()));
    if runs_there {
        // It may just have exited by itself.
        let _ = kill(pid, Signal::SIGQUIT);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The process id in the first line of a file.
fn read_pid(path: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().next()?.trim().parse().ok().map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_run_matches() {
        assert!(is_a_run("pgproof-4711-0"));
        for name in ["pgproof-main", "pgproof-cache", "pgproof-4711", "pgproof-4711-", "pgproof-4711-x", "pgproof--1"] {
            assert!(!is_a_run(name), "{name}");
        }
    }

    #[test]
    fn a_directory_is_abandoned_when_its_watchdog_is_dead() {
        let directory = tempfile::tempdir().expect("a directory");
        let namespace = namespace();
        let written = |text: String| {
            std::fs::write(directory.path().join("watchdog.pid"), text).expect("a file");
            is_abandoned(directory.path())
        };
        assert!(!is_abandoned(directory.path()), "no process id is recorded");
        assert!(!written(format!("{} {namespace}", std::process::id())), "its watchdog is alive");
        // No process has this id: the largest possible one is far lower.
        assert!(written(format!("{} {namespace}", i32::MAX)));
        assert!(!written(format!("{} pid:[1]", i32::MAX)), "another namespace");
    }
}
