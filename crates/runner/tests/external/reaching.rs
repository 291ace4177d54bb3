//! The messages about a server that cannot be used.

use rstest::rstest;

use crate::server::{ExternalServer, PASSWORD, message_of, start_run};

#[test]
fn a_wrong_password_is_rejected_and_not_shown() {
    let external = ExternalServer::new();
    let url = format!("postgres://postgres:wrong%20one@127.0.0.1:{}/postgres", external.port);
    let message = message_of(start_run(&url));
    assert!(
        message.starts_with(&format!("cannot connect to the server at 127.0.0.1:{}: ", external.port)),
        "{message}"
    );
    assert!(message.contains("28P01 invalid_password") && !message.contains("wrong one"), "{message}");
}

#[test]
fn the_error_for_a_role_without_createdb_names_the_remedy() {
    let external = ExternalServer::new();
    external.session().run(&format!("CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")).expect("a role");
    let url = external.url("").replace("postgres:correct", "guest:correct");
    let message = message_of(start_run(&url));
    assert!(message.starts_with("role guest may not create databases on 127.0.0.1:"), "{message}");
    assert!(message.ends_with("have an administrator run: ALTER ROLE guest CREATEDB"), "{message}");
    external.session().run("ALTER ROLE guest CREATEDB").expect("a privilege");
    drop(start_run(&url).expect("databases"));
}

#[test]
fn a_major_other_than_requested_is_rejected() {
    use pgproof_server::{Server, ServerChoice, ServerOptions};
    let external = ExternalServer::new();
    let provider = ServerChoice::Url(external.url(""));
    let message = message_of(Server::start(&ServerOptions { provider, major: Some(99), ..ServerOptions::default() }));
    assert!(message.ends_with(", but 99 was requested"), "{message}");
}

#[test]
fn a_silent_server_is_given_up_on() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = mute.local_addr().expect("a port").port();
    let message = message_of(start_run(&format!("postgres://me@127.0.0.1:{port}/x?connect_timeout=1")));
    assert!(message.contains(": it accepted the connection but sent nothing for 6 s"), "{message}");
}

#[rstest]
#[case("postgres://127.0.0.1:1/x", "cannot connect to the server at 127.0.0.1:1: ")]
#[case("postgres://nobody.invalid/x", "cannot connect to the server at nobody.invalid:5432: ")]
#[case("postgres://me:hush@h:port/x", "the external server cannot be used: invalid connection string: ")]
fn an_unreachable_server_is_named(#[case] url: &str, #[case] expected: &str) {
    let message = message_of(start_run(url));
    assert!(message.starts_with(expected) && !message.contains("hush"), "{message}");
}

#[test]
fn a_server_without_a_free_connection_is_reported() {
    let external = ExternalServer::new();
    external
        .session()
        .run(&format!("CREATE ROLE guest LOGIN CREATEDB CONNECTION LIMIT 0 PASSWORD '{PASSWORD}'"))
        .expect("a role");
    let message = message_of(start_run(&external.url("").replace("postgres:correct", "guest:correct")));
    assert!(message.contains("53300 too_many_connections"), "{message}");
}
