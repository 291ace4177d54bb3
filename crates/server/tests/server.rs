//! Starting and ending a real server.

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
