//! `kill -9` of the program, and of its whole process group, at many moments, with an empty cache and with a filled one:
//! no server, directory, shared memory or half-made entry of the cache is left. What even a killed watchdog leaves, the
//! next start removes. Set `PGPROOF_TEST_MOMENTS` for a soak test.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;

use crate::endings::{directories, open_directory, processes, with_cache};
use crate::namespace::Namespace;
use crate::project::Project;
use crate::servers::moments;

/// How long what was killed may take to be gone: an `initdb` that has begun is completed first.
const DEADLINE: Duration = Duration::from_secs(10);

/// Whom the signal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    Program,
    Group,
}

impl Victim {
    /// One after the other.
    pub fn at(moment: u64) -> Victim {
        if moment.is_multiple_of(2) { Victim::Group } else { Victim::Program }
    }
}

/// Runs a command, kills it after this time, and returns its process id.
pub fn killed(mut command: Command, victim: Victim, after: Duration) -> u32 {
    let mut child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    std::thread::sleep(after);
    let pid = i32::try_from(child.id()).expect("a process id");
    // It may have exited before the signal.
    let _ = kill(Pid::from_raw(if victim == Victim::Group { -pid } else { pid }), Signal::SIGKILL);
    child.wait().expect("an end");
    child.id()
}

/// What `owner` has left: directories, processes that mention them or the cache, shared memory, and entries of the cache
/// that differ from a whole one.
fn left(owner: u32, namespace: Option<&Namespace>, cache: &Path, whole: &BTreeSet<String>) -> Vec<String> {
    let mut left: Vec<String> = directories(owner).iter().map(|path| path.display().to_string()).collect();
    left.extend(processes(&format!("/pgproof-{owner}-")));
    left.extend(processes(&cache.display().to_string()));
    left.extend(namespace.map(Namespace::shared_memory).unwrap_or_default());
    let files = files(cache);
    if !files.is_empty() && files != *whole {
        left.extend(files.symmetric_difference(whole).take(3).cloned());
    }
    left
}

/// The paths of all files in a cache, except those that are locked.
fn files(directory: &Path) -> BTreeSet<String> {
    let output = Command::new("find")
        .args([".", "-type", "f", "-not", "-name", "*.lock"])
        .current_dir(directory)
        .output()
        .expect("find runs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Waits until nothing is left, and returns what is left at the deadline.
fn remains(is_left: impl Fn() -> Vec<String>) -> Vec<String> {
    let started = Instant::now();
    loop {
        let left = is_left();
        if left.is_empty() || started.elapsed() > DEADLINE {
            return left;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A command in the namespace, if there is one.
fn within(namespace: Option<&Namespace>, command: Command) -> Command {
    match namespace {
        Some(namespace) => namespace.command(&command),
        None => command,
    }
}

/// A cache that a run has filled, and the files in it.
fn filled(project: &Project) -> (tempfile::TempDir, BTreeSet<String>) {
    let cache = open_directory();
    assert!(with_cache(project, cache.path()).output().expect("pgproof runs").status.success());
    let files = files(cache.path());
    (cache, files)
}

#[rstest]
#[case::with_an_empty_cache(true, 2000)]
#[case::with_a_filled_cache(false, 1200)]
fn a_kill_leaves_nothing(#[case] is_cold: bool, #[case] within_ms: u64) {
    let project = Project::new();
    let (warm, whole) = filled(&project);
    let mut all = Vec::new();
    for moment in 0..moments() {
        // Each moment is judged by itself.
        let (cold, namespace) = (open_directory(), Namespace::new("a killed run"));
        let cache = if is_cold { cold.path() } else { warm.path() };
        let (victim, after) = (Victim::at(moment), Duration::from_millis(5 + moment * within_ms / moments()));
        let owner = killed(within(namespace.as_ref(), with_cache(&project, cache)), victim, after);
        let left = remains(|| left(owner, namespace.as_ref(), cache, &whole));
        if !left.is_empty() {
            all.push(format!("{victim:?} after {after:?}: {left:?}"));
        }
    }
    assert!(all.is_empty(), "left behind at {} of {} moments:\n{}", all.len(), moments(), all.join("\n"));
}

/// Whoever kills a run's watchdog too, or the process that fills the cache, leaves something: until the next start.
#[rstest]
#[case::with_an_empty_cache(true)]
#[case::with_a_filled_cache(false)]
fn what_a_kill_of_everything_leaves_is_removed_by_the_next_start(#[case] is_cold: bool) {
    let project = Project::new();
    let (warm, whole) = filled(&project);
    // Each takes a whole run more.
    let moments = moments().div_ceil(2);
    let mut all = Vec::new();
    for moment in 0..moments {
        let (cold, namespace) = (open_directory(), Namespace::new("a run of which everything was killed"));
        let cache = if is_cold { cold.path() } else { warm.path() };
        let after = Duration::from_millis(5 + moment * 1200 / moments);
        let run = || within(namespace.as_ref(), with_cache(&project, cache));
        let owner = killed(run(), Victim::Group, after);
        everything_of(owner, cache);
        let next = run().output().expect("pgproof runs");
        assert_eq!(next.status.code(), Some(0), "{}", String::from_utf8_lossy(&next.stderr));
        let left = remains(|| left(owner, namespace.as_ref(), cache, &whole));
        if !left.is_empty() {
            all.push(format!("after {after:?}: {left:?}"));
        }
    }
    assert!(all.is_empty(), "left behind at {} of {moments} moments:\n{}", all.len(), all.join("\n"));
}

/// Kills every process of a run or of its cache, again until there is none.
fn everything_of(owner: u32, cache: &Path) {
    let marks = [format!("/pgproof-{owner}-"), cache.display().to_string()];
    let found = || -> Vec<i32> {
        let output = Command::new("ps").args(["-e", "-o", "pid=,stat=,args="]).output().expect("ps runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().filter(|line| marks.iter().any(|mark| line.contains(mark)));
        let living = lines.filter(|line| line.split_whitespace().nth(1).is_some_and(|stat| !stat.starts_with('Z')));
        living.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
    };
    let started = Instant::now();
    loop {
        let pids = found();
        if pids.is_empty() {
            return;
        }
        assert!(started.elapsed() < DEADLINE, "they live on: {pids:?}");
        for pid in pids {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
