//! Removes what an earlier run left behind. A run leaves something only if its watchdog or reaper was killed too (on a
//! machine out of memory, say).

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::installation::place::PREFIX;
use crate::installation::place::candidates;
use crate::installation::remains;

/// The file in the directory of a run that names its watchdog or reaper.
const PID_FILE: &str = "watchdog.pid";

/// How old a directory without a process id must be: one that is younger is just being created.
const LEAST_AGE: Duration = Duration::from_mins(1);

/// Stops servers and removes directories whose owner is dead, and whose watchdog or reaper is. What cannot be removed
/// belongs to another user, whose own runs will remove it.
pub(crate) fn sweep() {
    for base in candidates() {
        let entries = std::fs::read_dir(&base).into_iter().flatten().flatten();
        for directory in entries.map(|entry| entry.path()) {
            let name = directory.file_name().unwrap_or_default().to_string_lossy();
            let Some(owner) = owner(&name) else { continue };
            match std::fs::read_to_string(directory.join(PID_FILE)) {
                Ok(text) if text.is_empty() => remove_unbegun(&directory, owner),
                Ok(text) if is_abandoned(&text, owner) => remains::remove(&directory),
                Err(error) if error.kind() == ErrorKind::NotFound => remove_unbegun(&directory, owner),
                // It is in use, or another user's.
                _ => {}
            }
        }
    }
}

/// Removes the directory of a watchdog that is dead although its owner is not, unless it is another one's.
pub(crate) fn remove_if_of(directory: &Path, watchdog: u32) {
    let text = std::fs::read_to_string(directory.join(PID_FILE)).unwrap_or_default();
    if text.split(' ').next() == Some(&watchdog.to_string()) && is_dead(text.trim()) {
        remains::remove(directory);
    }
}

/// Removes a directory whose watchdog was killed before it wrote its process id: nothing else is there.
fn remove_unbegun(directory: &Path, owner: &str) {
    let metadata = directory.symlink_metadata().ok().filter(Metadata::is_dir);
    let age = metadata.and_then(|metadata| metadata.modified().ok()?.elapsed().ok());
    if age.is_some_and(|age| age > LEAST_AGE) && is_dead(&format!("{owner} {}", namespace())) {
        let pid_file = directory.join(PID_FILE);
        if pid_file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let _ = std::fs::remove_file(pid_file);
        }
        // Only an empty one: it may be another system's, whose process ids mean nothing here.
        let _ = std::fs::remove_dir(directory);
    }
}

/// The process id of the owner, if a directory is named after a run: other directories called pgproof-something are not
/// ours to remove.
fn owner(name: &str) -> Option<&str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (owner, number) = name.strip_prefix(PREFIX)?.split_once('-')?;
    (digits(owner) && digits(number)).then_some(owner)
}

/// Whether the watchdog or reaper that wrote its process id is dead, and the owner too: while that lives, the server may
/// be in use, and the owner removes what is left.
fn is_abandoned(watchdog: &str, owner: &str) -> bool {
    let (_, theirs) = watchdog.trim().split_once(' ').unwrap_or_default();
    is_dead(watchdog.trim()) && is_dead(&format!("{owner} {theirs}"))
}

/// Whether the process with this id, in this namespace, is dead. Process ids of another namespace (a container that
/// shares a directory, or an engine) mean nothing here.
pub(crate) fn is_dead(pid_and_namespace: &str) -> bool {
    let (pid, theirs) = pid_and_namespace.split_once(' ').unwrap_or((pid_and_namespace, ""));
    let Ok(pid) = pid.parse().map(Pid::from_raw) else { return false };
    theirs == namespace() && (kill(pid, None) == Err(Errno::ESRCH) || is_zombie(pid))
}

/// Whether nobody has waited for a process that has ended. In a container without an init, nobody ever does.
fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may contain anything.
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_run_matches() {
        assert_eq!(owner("pgproof-4711-0"), Some("4711"));
        for name in ["pgproof-main", "pgproof-cache", "pgproof-4711", "pgproof-4711-", "pgproof-4711-x", "pgproof--1"] {
            assert_eq!(owner(name), None, "{name}");
        }
    }

    /// No process has this id: the largest possible one is far lower.
    const NOBODY: i32 = i32::MAX;

    #[test]
    fn a_directory_is_abandoned_when_its_watchdog_and_its_owner_are_dead() {
        let (namespace, nobody) = (namespace(), NOBODY.to_string());
        let us = std::process::id();
        assert!(!is_abandoned(&format!("{us} {namespace}"), &nobody), "its watchdog is alive");
        assert!(!is_abandoned(&format!("{NOBODY} {namespace}"), &us.to_string()), "its owner is alive");
        assert!(is_abandoned(&format!("{NOBODY} {namespace}\n"), &nobody));
        assert!(!is_abandoned(&format!("{NOBODY} pid:[1]"), &nobody), "another namespace");
    }

    #[test]
    fn a_process_that_has_ended_is_dead_even_if_nobody_waited_for_it() {
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        let id = format!("{} {}", child.id(), namespace());
        // Linux says which process is a zombie.
        if Path::new("/proc/self/stat").exists() {
            while !is_dead(&id) {
                std::thread::yield_now();
            }
        }
        child.wait().expect("an end");
        assert!(is_dead(&id));
    }

    #[test]
    fn a_directory_in_which_nothing_was_written_is_removed_when_it_is_old() {
        let base = tempfile::tempdir().expect("a directory");
        let make = |name: &str, age: Duration| {
            let directory = base.path().join(name);
            std::fs::create_dir(&directory).expect("a directory");
            std::fs::write(directory.join(PID_FILE), "").expect("a file");
            let time = std::time::SystemTime::now() - age;
            std::fs::File::open(&directory).and_then(|file| file.set_modified(time)).expect("a time");
            directory
        };
        let (old, young) = (make("old", 2 * LEAST_AGE), make("young", Duration::ZERO));
        let (nobody, us) = (NOBODY.to_string(), std::process::id().to_string());
        remove_unbegun(&young, &nobody);
        remove_unbegun(&old, &us);
        assert!(young.exists() && old.exists(), "just being created, and its owner is alive");
        remove_unbegun(&old, &nobody);
        assert!(!old.exists());
    }
}
