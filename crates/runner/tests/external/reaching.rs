//! What is said of a server that cannot be used.

use rstest::rstest;

use crate::somebody::{PASSWORD, Somebody, given, told};

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    let somebody = Somebody::new();
    let url = format!("postgres://postgres:wrong%20one@127.0.0.1:{}/postgres", somebody.port);
    let message = told(given(&url));
    assert!(message.starts_with(&format!("the server at 127.0.0.1:{} takes no session: ", somebody.port)), "{message}");
    assert!(message.contains("28P01 invalid_password") && !message.contains("wrong one"), "{message}");
}

#[test]
fn a_role_without_createdb_is_told_what_it_lacks() {
    let somebody = Somebody::new();
    somebody.session().run(&format!("CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")).expect("a role");
    let url = somebody.url("").replace("postgres:correct", "guest:correct");
    let message = told(given(&url));
    assert!(message.starts_with("role guest may not make databases on 127.0.0.1:"), "{message}");
    assert!(message.ends_with("let an administrator run: ALTER ROLE guest CREATEDB"), "{message}");
    somebody.session().run("ALTER ROLE guest CREATEDB").expect("a privilege");
    drop(given(&url).expect("databases"));
}

#[test]
fn another_major_than_the_one_asked_for_is_refused() {
    use pgproof_server::{Server, ServerChoice, ServerOptions};
    let somebody = Somebody::new();
    let provider = ServerChoice::Url(somebody.url(""));
    let message = told(Server::start(&ServerOptions { provider, major: Some(99), ..ServerOptions::default() }));
    assert!(message.ends_with(", and 99 was asked for"), "{message}");
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = mute.local_addr().expect("a port").port();
    let message = told(given(&format!("postgres://me@127.0.0.1:{port}/x?connect_timeout=1")));
    assert!(message.contains("takes no session: it took the connection, and said nothing for 6 s"), "{message}");
}

#[rstest]
#[case("postgres://127.0.0.1:1/x", "the server at 127.0.0.1:1 takes no session: ")]
#[case("postgres://nobody.invalid/x", "the server at nobody.invalid:5432 takes no session: ")]
#[case("postgres://me:hush@h:port/x", "the given server cannot be used: the connection string cannot be read: ")]
fn a_server_that_is_not_there_is_named(#[case] url: &str, #[case] expected: &str) {
    let message = told(given(url));
    assert!(message.starts_with(expected) && !message.contains("hush"), "{message}");
}

#[test]
fn a_server_without_a_free_connection_says_so() {
    let somebody = Somebody::new();
    somebody
        .session()
        .run(&format!("CREATE ROLE guest LOGIN CREATEDB CONNECTION LIMIT 0 PASSWORD '{PASSWORD}'"))
        .expect("a role");
    let message = told(given(&somebody.url("").replace("postgres:correct", "guest:correct")));
    assert!(message.contains("53300 too_many_connections"), "{message}");
}
