//! Starting and ending a real server.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pgproof_server::Session;
use pgproof_server::{Server, ServerOptions};

#[test]
fn a_server_answers_and_leaves_nothing_behind() {
    let server = Server::start(&ServerOptions::default()).expect("a server");
    let directory = server.directory().to_path_buf();
    let mut session = Session::open(server.address(), "postgres").expect("a session");
    let version = session.value("SHOW server_version").expect("a version").expect("a version");
    assert!(version.starts_with(&server.version().text), "{version}");
    for (setting, value) in [("listen_addresses", ""), ("fsync", "off"), ("TimeZone", "UTC"), ("autovacuum", "off")] {
        assert_eq!(session.value(&format!("SHOW {setting}")).expect("a value").as_deref(), Some(value), "{setting}");
    }
    drop(session);
    drop(server);
    assert!(!directory.exists());
}

#[test]
fn two_servers_live_side_by_side() {
    let servers: Vec<_> = (0..2).map(|_| Server::start(&ServerOptions::default()).expect("a server")).collect();
    assert_ne!(servers[0].directory(), servers[1].directory());
    for server in &servers {
        Session::open(server.address(), "postgres").expect("a session").run("CREATE DATABASE mine").expect("made");
    }
}

#[test]
fn only_the_owner_enters_the_directory_of_the_socket() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(&ServerOptions::default()).expect("a server");
    let mode = server.directory().metadata().expect("a directory").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn an_open_session_does_not_keep_a_server_alive() {
    let server = Server::start(&ServerOptions::default()).expect("a server");
    let mut session = Session::open(server.address(), "postgres").expect("a session");
    session.run("BEGIN; CREATE TABLE t ()").expect("a table");
    drop(server);
    assert!(session.run("SELECT 1").is_err());
}

#[test]
fn a_directory_of_a_run_is_removed_with_its_server() {
    let server = Server::start(&ServerOptions::default()).expect("a server");
    let directory = server.make_directory("evidence").expect("a directory");
    std::fs::write(directory.join("file"), "x").expect("a file");
    drop(server);
    assert!(!directory.exists());
}

/// Kills the process whose id is in the first line of a file.
fn kill_by_file(file: &Path) {
    let text = std::fs::read_to_string(file).expect("a file");
    let pid = text.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("a process id");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a process");
}

/// The segment of shared memory of a server, as Linux lists it.
fn segment(directory: &Path) -> Option<String> {
    let lock_file = std::fs::read_to_string(directory.join("data/postmaster.pid")).expect("a lock file");
    let id = lock_file.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)).expect("a segment").to_owned();
    // Other systems have no such table.
    let is_tried = Path::new(TABLE).exists();
    assert!(!is_tried || is_listed(&id), "no segment {id}");
    is_tried.then_some(id)
}

const TABLE: &str = "/proc/sysvipc/shm";

fn is_listed(id: &str) -> bool {
    let table = std::fs::read_to_string(TABLE).unwrap_or_default();
    table.lines().any(|line| line.split_whitespace().nth(1) == Some(id))
}

/// The processes that work in a directory, which may have been removed.
fn processes(directory: &Path) -> usize {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let cwds = all.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok());
    cwds.filter(|cwd| cwd.starts_with(directory)).count()
}

/// A backend that computes does not notice for a long time that its server was killed.
fn is_computing(server: &Server) -> std::thread::JoinHandle<()> {
    let mut session = Session::open(server.address(), "postgres").expect("a session");
    let computing = std::thread::spawn(move || {
        session.run("SELECT count(*) FROM generate_series(1, 10000000000)").expect_err("it is killed");
    });
    let mut other = Session::open(server.address(), "postgres").expect("a session");
    let count =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND pid <> pg_backend_pid()";
    while other.value(count).expect("a count").as_deref() != Some("1") {
        std::thread::yield_now();
    }
    computing
}

#[test]
fn a_server_that_was_killed_leaves_no_process_and_no_shared_memory() {
    let server = Server::start(&ServerOptions::default()).expect("a server");
    let (directory, segment) = (server.directory().to_path_buf(), segment(server.directory()));
    let computing = is_computing(&server);
    kill_by_file(&directory.join("data/postmaster.pid"));
    drop(server);
    assert!(!directory.exists());
    assert_eq!(processes(&directory), 0);
    assert!(!segment.is_some_and(|id| is_listed(&id)), "its shared memory is left");
    computing.join().expect("an end");
}

#[test]
fn a_server_whose_watchdog_was_killed_is_removed_by_its_owner() {
    let server = Server::start(&ServerOptions::default()).expect("a server");
    let (directory, segment) = (server.directory().to_path_buf(), segment(server.directory()));
    kill_by_file(&directory.join("watchdog.pid"));
    // Somebody else's start leaves a server alone that is in use.
    drop(Server::start(&ServerOptions::default()).expect("a server"));
    Session::open(server.address(), "postgres").expect("a session");
    drop(server);
    assert!(!directory.exists());
    assert_eq!(processes(&directory), 0);
    assert!(!segment.is_some_and(|id| is_listed(&id)), "its shared memory is left");
}
