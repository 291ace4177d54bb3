//! However `verify` ends, it leaves no server, socket or directory behind.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;

use crate::project::Project;

/// The guarantee: five seconds after the end nothing is left.
const DEADLINE: Duration = Duration::from_secs(5);

/// Where servers of the process `owner` live.
pub fn directories(owner: u32) -> Vec<PathBuf> {
    let prefix = format!("pgproof-{owner}-");
    let bases = [PathBuf::from("/dev/shm"), std::env::temp_dir(), PathBuf::from("/tmp")];
    let entries = bases.iter().filter_map(|base| std::fs::read_dir(base).ok()).flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&prefix)))
        .collect()
}

/// The command lines of living processes that contain this text.
pub fn processes(mark: &str) -> Vec<String> {
    let output = std::process::Command::new("ps").args(["-e", "-o", "stat=,args="]).output().expect("ps runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A zombie has ended; the system reaps it.
    text.lines().filter(|line| line.contains(mark) && !line.starts_with('Z')).map(str::to_owned).collect()
}

/// Waits until a directory is gone.
pub fn gone(directory: &Path) {
    let started = Instant::now();
    while directory.exists() {
        assert!(started.elapsed() < DEADLINE, "{} remains", directory.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn nothing_remains(owner: u32) {
    let started = Instant::now();
    loop {
        let left = (directories(owner), processes(&format!("/pgproof-{owner}-")));
        if left.0.is_empty() && left.1.is_empty() {
            return;
        }
        assert!(started.elapsed() < DEADLINE, "left behind: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[rstest]
#[case::success(None, 0)]
#[case::failure(Some("CHECK (duration_ms >= 0)"), 1)]
#[case::migration_error(Some("CREATE EXTENSION IF NOT EXISTS pgcrypto;"), 2)]
fn an_ordinary_end(#[case] broken: Option<&str>, #[case] code: i32) {
    let project = Project::new();
    if let Some(text) = broken {
        let wrong = if code == 1 { "CHECK (duration_ms >= -1)" } else { "CREATE EXTENSION nothing_like_it;" };
        project.edit("sql/opportunity/001_create_orchestrator_log.sql", text, wrong);
    }
    let child = project.pgproof(&["verify"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let owner = child.id();
    let status = child.wait_with_output().unwrap().status;
    assert_eq!(status.code(), Some(code));
    nothing_remains(owner);
}

/// Twenty moments from before the start of the server to after its end, spread evenly, so that every run tries the same
/// ones.
#[rstest]
#[case::killed(Signal::SIGKILL, 20)]
#[case::interrupted(Signal::SIGINT, 5)]
#[case::hung_up(Signal::SIGHUP, 5)]
fn a_signal_at_any_moment(#[case] signal: Signal, #[case] moments: u64) {
    let project = Project::new();
    // More of them for a soak test.
    let moments = if signal == Signal::SIGKILL { moments.max(crate::servers::moments()) } else { moments };
    for moment in 0..moments {
        let mut child = project.pgproof(&["verify"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let owner = child.id();
        std::thread::sleep(Duration::from_millis(5 + moment * 800 / moments));
        // It may have exited before the signal.
        let _ = kill(Pid::from_raw(i32::try_from(owner).unwrap()), signal);
        child.wait().unwrap();
        nothing_remains(owner);
    }
}

#[test]
fn two_concurrent_runs_do_not_interfere() {
    let project = Project::new();
    let children: Vec<_> = (0..2)
        .map(|_| project.pgproof(&["verify"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    for child in children {
        let owner = child.id();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        nothing_remains(owner);
    }
}

/// A command with its own cache of data directories.
pub fn with_cache(project: &Project, cache: &Path) -> std::process::Command {
    let mut command = project.pgproof(&["verify", "--filter", "comments"]);
    command.env("PGPROOF_CACHE_DIR", cache);
    command
}

/// A directory that the account running servers may enter.
pub fn open_directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    directory
}

#[test]
fn a_server_that_is_killed_while_a_suite_runs() {
    use std::io::{BufRead, BufReader};
    let project = Project::of("settler");
    let mut child = project.pgproof(&["verify"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let owner = child.id();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("proving settler")));
    let directory = directories(owner).pop().expect("the server's directory");
    let pid = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    kill(Pid::from_raw(pid.lines().next().unwrap().parse().unwrap()), Signal::SIGKILL).unwrap();
    let lines_after: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{lines_after:?}");
    assert!(lines_after.iter().any(|line| line.contains("exited while it was in use")), "{lines_after:?}");
    nothing_remains(owner);
}

#[test]
fn runs_that_race_for_an_empty_cache() {
    let (project, cache) = (Project::new(), open_directory());
    let run = || with_cache(&project, cache.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children: Vec<_> = (0..4).map(|_| run()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let entries = std::fs::read_dir(cache.path()).unwrap().flatten().map(|entry| entry.path());
    let entries: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert!(matches!(&entries[..], [entry] if !entry.join("unfinished").exists()), "one entry, and nothing unfinished");
}

#[rstest]
#[case::damaged("data/global/pg_control", Some("rubbish"))]
#[case::half_gone("data/base", None)]
fn a_cache_with_a_damaged_entry(#[case] part: &str, #[case] content: Option<&str>) {
    let (project, cache) = (Project::new(), open_directory());
    assert!(with_cache(&project, cache.path()).output().unwrap().status.success());
    let entry =
        std::fs::read_dir(cache.path()).unwrap().flatten().map(|e| e.path()).find(|path| path.is_dir()).unwrap();
    match content {
        Some(content) => std::fs::write(entry.join(part), content).unwrap(),
        None => std::fs::remove_dir_all(entry.join(part)).unwrap(),
    }
    // An entry that was being created when its run died.
    std::fs::create_dir_all(entry.join("unfinished/base")).unwrap();
    for _ in 0..2 {
        let output = with_cache(&project, cache.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_cache_that_cannot_be_written() {
    let (project, directory) = (Project::new(), open_directory());
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = with_cache(&project, &file.join("cache")).output().unwrap();
    let ended = crate::project::Ended::of(&output);
    ended.demand(2, &["cannot create ", "set PGPROOF_CACHE_DIR to a writable directory"]);
}

/// In a separate mount namespace, where the directory of servers is small and fills up while the suite runs.
#[test]
fn a_disk_that_fills_up() {
    use std::io::Write;
    let script = "mount -t tmpfs -o size=540m tmpfs /dev/shm || exit 77
        (until ls -d /dev/shm/pgproof-*/evidence-settler; do sleep 0.02; done
         dd if=/dev/zero of=/dev/shm/filler bs=1M count=600) >/dev/null 2>&1 &
        \"$@\"; code=$?; rm -f /dev/shm/filler; ls /dev/shm; exit $code";
    let project = Project::of("settler");
    let verify = project.pgproof(&["verify"]);
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(verify.get_program()).args(verify.get_args());
    command.current_dir(project.path(".")).env_remove("CI").env_remove("PGPROOF_SERVER");
    let ended = match command.output() {
        Ok(output) if !nix::unistd::geteuid().is_root() || output.status.code() == Some(77) => {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
        Ok(output) => Ok(crate::project::Ended::of(&output)),
        Err(error) => Err(error.to_string()),
    };
    match ended {
        Ok(ended) => {
            // Either a statement fails, or the server itself panics because it cannot write its WAL.
            ended.demand(2, &["error: ", "No space left on device"]);
            assert_eq!(ended.stdout, "", "one message, and nothing left");
        }
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "NOT TRIED: a disk that fills up: it requires a mount: {reason}");
        }
    }
}
