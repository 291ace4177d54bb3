//! A run removes what is its own, and what a dead run left; nothing else.

use pgproof_runner::migration::run_script;
use pgproof_server::Session;
use pgproof_server::{Server, Source};

use crate::somebody::{Somebody, given};

/// The names that a query gives, in order.
fn names(session: &mut Session, sql: &str) -> Vec<String> {
    let rows = session.rows(sql).expect("rows");
    rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

fn databases(somebody: &Somebody) -> Vec<String> {
    names(&mut somebody.session(), "SELECT datname FROM pg_database ORDER BY 1")
}

fn roles(somebody: &Somebody) -> Vec<String> {
    names(&mut somebody.session(), "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1")
}

/// Makes a database, and runs a script there.
fn make(server: &Server, label: &str, script: &str) -> String {
    let cluster = server.handle();
    let mut maintenance = cluster.maintenance().expect("a session");
    let name = cluster.create_database(&mut maintenance, label, Source::Nothing).expect("a database");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("setup.sql");
    std::fs::write(&file, script).expect("a file");
    let mut session = cluster.open(&name).expect("a session");
    run_script(&mut session, directory.path(), &file).expect("a script");
    name
}

/// Leaves a run as if its process and its caretaker had died: its databases stay, and nobody holds its lock.
fn die(somebody: &Somebody, server: Server) {
    server.keep();
    // The lock is free once the backend has noticed.
    somebody.is_quiet();
}

#[test]
fn a_run_leaves_a_server_as_it_was() {
    let somebody = Somebody::new();
    somebody.session().run("CREATE DATABASE theirs").expect("a database");
    somebody.session().run("CREATE ROLE before").expect("a role");
    let (databases_before, roles_before) = (databases(&somebody), roles(&somebody));
    let server = given(&somebody.url("")).expect("databases");
    let script = "DO $$ BEGIN CREATE ROLE before; EXCEPTION WHEN duplicate_object THEN NULL; END $$; CREATE ROLE app; \
                  CREATE TABLE t (); GRANT SELECT ON t TO app, before;";
    let name = make(&server, "shop", script);
    let directory = server.directory().to_path_buf();
    assert!(databases(&somebody).contains(&name) && roles(&somebody).contains(&"app".to_owned()));
    assert!(directory.is_dir());
    // Somebody looks into it, and is in the way.
    let _guest = server.handle().open(&name).expect("a session");
    drop(server);
    assert_eq!((databases(&somebody), roles(&somebody)), (databases_before, roles_before));
    assert!(!directory.exists());
}

#[test]
fn databases_are_the_same_whatever_the_server_usually_makes() {
    let somebody = Somebody::new();
    // Whoever adds to template1 adds to every new database.
    somebody.session().run("CREATE DATABASE template2").expect("a database");
    let server = given(&somebody.url("")).expect("databases");
    let name = make(&server, "shop", "SELECT 1;");
    let mut session = server.handle().open(&name).expect("a session");
    let sql = "SELECT datcollate || ' ' || datctype || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()";
    assert_eq!(session.value(sql).expect("a value").as_deref(), Some("C C UTF8"));
    assert_eq!(session.value("SHOW TimeZone").expect("a value").as_deref(), Some("UTC"));
    session.run("DISCARD ALL").expect("a session");
    assert_eq!(session.value("SHOW TimeZone").expect("a value").as_deref(), Some("UTC"));
}

#[test]
fn what_a_dead_run_left_is_removed_by_the_next() {
    let somebody = Somebody::new();
    let (databases_before, roles_before) = (databases(&somebody), roles(&somebody));
    let dead = given(&somebody.url("")).expect("databases");
    make(&dead, "shop", "CREATE ROLE app; CREATE TABLE t (); GRANT SELECT ON t TO app;");
    die(&somebody, dead);
    assert_eq!(databases(&somebody).len(), databases_before.len() + 1);
    drop(given(&somebody.url("")).expect("databases"));
    assert_eq!((databases(&somebody), roles(&somebody)), (databases_before, roles_before));
}

#[test]
fn what_lives_or_has_no_mark_is_left_alone() {
    let somebody = Somebody::new();
    somebody.session().run("CREATE DATABASE pgproof_deadbeef_theirs").expect("a database");
    somebody.session().run("CREATE DATABASE pgproof_feedbeef_theirs").expect("a database");
    let theirs = "COMMENT ON DATABASE pgproof_feedbeef_theirs IS 'made by pgproof, run 00000001; roles []'";
    somebody.session().run(theirs).expect("a comment with another run");
    let living = given(&somebody.url("")).expect("databases");
    let name = make(&living, "shop", "SELECT 1;");
    drop(given(&somebody.url("")).expect("databases"));
    let left = databases(&somebody);
    for kept in ["pgproof_deadbeef_theirs", "pgproof_feedbeef_theirs", &name] {
        assert!(left.iter().any(|left| left == kept), "{kept} is gone: {left:?}");
    }
}

#[test]
fn a_role_that_two_runs_make_goes_with_the_second() {
    let somebody = Somebody::new();
    let script = "DO $$ BEGIN CREATE ROLE app; EXCEPTION WHEN duplicate_object THEN NULL; END $$;";
    let (first, second) = (given(&somebody.url("")).expect("one"), given(&somebody.url("")).expect("two"));
    make(&first, "shop", script);
    make(&second, "shop", script);
    drop(first);
    assert!(roles(&somebody).contains(&"app".to_owned()), "the second still needs it");
    drop(second);
    assert!(!roles(&somebody).contains(&"app".to_owned()));
}

#[test]
fn another_users_databases_and_roles_are_left_to_him() {
    let somebody = Somebody::new();
    // What looks like a dead run's, made by somebody who may not remove what is named there.
    let mut session = somebody.session();
    session.run("CREATE ROLE guest CREATEDB").expect("a role");
    session.run("CREATE ROLE billing").expect("a role");
    session.run("CREATE DATABASE pgproof_deadbeef_x OWNER guest").expect("a database");
    let oid = session.value("SELECT oid FROM pg_roles WHERE rolname = 'billing'").expect("a value").expect("an OID");
    let mark = format!("made by pgproof, run deadbeef; roles [{{\"name\":\"billing\",\"oid\":{oid}}}]");
    session.run(&format!("COMMENT ON DATABASE pgproof_deadbeef_x IS '{mark}'")).expect("a comment");
    drop(given(&somebody.url("")).expect("databases"));
    assert!(databases(&somebody).contains(&"pgproof_deadbeef_x".to_owned()));
    assert!(roles(&somebody).contains(&"billing".to_owned()));
}

#[test]
fn a_role_that_a_dead_run_never_made_is_left_alone() {
    let somebody = Somebody::new();
    let dead = given(&somebody.url("")).expect("databases");
    make(&dead, "shop", "DO $$ BEGIN IF false THEN CREATE ROLE later; END IF; END $$;");
    die(&somebody, dead);
    somebody.session().run("CREATE ROLE later").expect("somebody's role");
    drop(given(&somebody.url("")).expect("databases"));
    assert!(roles(&somebody).contains(&"later".to_owned()));
}

#[test]
fn a_database_whose_mark_a_script_overwrites_goes_too() {
    let somebody = Somebody::new();
    let before = databases(&somebody);
    let server = given(&somebody.url("")).expect("databases");
    let comment = "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS NULL', current_database()); END $$;";
    make(&server, "shop", comment);
    drop(server);
    assert_eq!(databases(&somebody), before);
}

#[test]
fn roles_that_stand_in_each_others_way_all_go() {
    let somebody = Somebody::new();
    let before = roles(&somebody);
    let server = given(&somebody.url("")).expect("databases");
    let script = "CREATE ROLE a CREATEROLE; CREATE ROLE b; CREATE ROLE c; GRANT b TO a WITH ADMIN OPTION; \
                  SET ROLE a; GRANT b TO c; RESET ROLE;";
    make(&server, "shop", script);
    drop(server);
    assert_eq!(roles(&somebody), before);
}
