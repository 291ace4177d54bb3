//! Removes what is left in the directory of a dead run: processes, shared memory, files. Whether a run is dead is for
//! `sweep` to say.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::installation::account::{Account, run_as};
use crate::without_secrets;

/// How long a server may take to stop before it is killed, and then to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(10);

/// Stops the server in a directory and removes all of it.
pub(crate) fn remove(directory: &Path) {
    let data = directory.join("data");
    end(&data);
    remove_shared_memory(&data);
    let started = Instant::now();
    // What still writes there, a copy that has lost its watchdog, ends for lack of a directory.
    while let Err(error) = std::fs::remove_dir_all(directory) {
        let is_final = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied);
        if is_final || started.elapsed() > PATIENCE {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Ends the server whose data directory this is, and its processes.
fn end(data: &Path) {
    if in_time(data, Signal::SIGQUIT, postmaster) {
        in_time(data, Signal::SIGKILL, processes);
    }
}

/// Signals these processes until there are none in the directory; true if there still are at the deadline.
fn in_time(data: &Path, signal: Signal, whom: fn(&Path) -> Vec<Pid>) -> bool {
    let started = Instant::now();
    while !processes(data).is_empty() {
        let victims = whom(data);
        if victims.is_empty() || started.elapsed() > PATIENCE {
            return true;
        }
        for pid in victims {
            // It may just have exited by itself.
            let _ = kill(pid, signal);
        }
        std::thread::sleep(PAUSE);
    }
    false
}

/// The server's first process, which ends the others.
fn postmaster(data: &Path) -> Vec<Pid> {
    let pid = lock_file(data).and_then(|text| text.lines().next()?.trim().parse().ok()).map(Pid::from_raw);
    pid.into_iter().filter(|pid| processes(data).contains(pid)).collect()
}

/// The processes that work in a data directory, as all of a server do.
fn processes(data: &Path) -> Vec<Pid> {
    if Path::new("/proc/self/cwd").exists() {
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
        let works_there = |path: &PathBuf| std::fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd == data);
        let pid = |path: PathBuf| path.file_name()?.to_str()?.parse().ok().map(Pid::from_raw);
        return all.filter(works_there).filter_map(pid).collect();
    }
    // Elsewhere only the first process can be told, by its arguments.
    let first = lock_file(data).and_then(|text| text.lines().next()?.trim().parse::<i32>().ok());
    let runs_there = |pid: &i32| {
        let output = without_secrets(&mut Command::new("ps")).args(["-o", "args=", "-p", &pid.to_string()]).output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&*data.to_string_lossy()))
    };
    first.filter(runs_there).map(Pid::from_raw).into_iter().collect()
}

/// A server that was killed leaves its lock file, and the segment of shared memory that line 7 names.
fn remove_shared_memory(data: &Path) {
    let Some((key, id)) = lock_file(data).and_then(|text| segment(&text)) else { return };
    let Ok(owner) = data.join("postmaster.pid").symlink_metadata() else { return };
    // Nobody is attached to ours. Another may have its number by now.
    let table = std::fs::read_to_string("/proc/sysvipc/shm");
    if owner.uid() == 0 || table.is_ok_and(|table| !lists(&table, key, id, owner.uid())) {
        return;
    }
    let mut command = Command::new("ipcrm");
    command.args(["-m", &id.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    // Whoever wrote the file can have named any segment: only their own can be removed so.
    let is_root = nix::unistd::geteuid().is_root();
    run_as(without_secrets(&mut command), is_root.then_some(Account { uid: owner.uid(), gid: owner.gid() }));
    let _ = command.status();
}

fn lock_file(data: &Path) -> Option<String> {
    std::fs::read_to_string(data.join("postmaster.pid")).ok()
}

/// Key and number of the segment in a lock file (`src/include/utils/pidfile.h`).
fn segment(lock_file: &str) -> Option<(i64, i64)> {
    let mut numbers = lock_file.lines().nth(6)?.split_whitespace();
    // A negative key is printed as if it had no sign.
    let key = numbers.next()?.parse::<u64>().ok()?.cast_signed();
    Some((key, numbers.next()?.parse().ok()?))
}

/// Whether Linux's table of segments has this one, of this user, with nobody attached.
fn lists(table: &str, key: i64, id: i64, uid: u32) -> bool {
    let wanted = |line: &str| {
        let columns: Vec<i64> = line.split_whitespace().map_while(|column| column.parse().ok()).collect();
        // key shmid perms size cpid lpid nattch uid …
        columns.len() > 7 && [columns[0], columns[1], columns[6], columns[7]] == [key, id, 0, i64::from(uid)]
    };
    table.lines().any(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK_FILE: &str = "4711\n/data\n1795854448\n5432\n/run\n\n 18446744073709551581         3\nready   \n";

    #[test]
    fn a_lock_file_names_the_segment() {
        assert_eq!(segment(LOCK_FILE), Some((-35, 3)));
        assert_eq!(segment("4711\n/data\n"), None, "it was killed before it had one");
    }

    #[test]
    fn a_segment_is_removed_only_if_it_is_the_same() {
        let table = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid\n\
                     \x20      -35          3   600                    56   315   315      0   101   104\n";
        assert!(lists(table, -35, 3, 101));
        for (key, id, uid, what) in [(-36, 3, 101, "key"), (-35, 4, 101, "number"), (-35, 3, 102, "user")] {
            assert!(!lists(table, key, id, uid), "another {what}");
        }
        assert!(!lists(&table.replace("   0   101", "   1   101"), -35, 3, 101), "somebody is attached");
    }
}
