//! A run removes what it owns and what a dead run left behind, and nothing else.

use pgproof_runner::migration::run_script;
use pgproof_server::Session;
use pgproof_server::{Server, Source};

use crate::server::{ExternalServer, start_run};

/// The names that a query returns, in order.
fn names(session: &mut Session, sql: &str) -> Vec<String> {
    let rows = session.rows(sql).expect("rows");
    rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

fn databases(external: &ExternalServer) -> Vec<String> {
    names(&mut external.session(), "SELECT datname FROM pg_database ORDER BY 1")
}

fn roles(external: &ExternalServer) -> Vec<String> {
    names(&mut external.session(), "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1")
}

/// Creates a database and runs a script there.
fn make(server: &Server, label: &str, script: &str) -> String {
    let handle = server.handle();
    let mut maintenance = handle.maintenance().expect("a session");
    let name = handle.create_database(&mut maintenance, label, Source::Nothing, None).expect("a database");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("setup.sql");
    std::fs::write(&file, script).expect("a file");
    let mut session = handle.open(&name).expect("a session");
    run_script(&mut session, directory.path(), &file).expect("a script");
    name
}

/// Leaves a run as if its process and its reaper had died: its databases stay, and no session holds its lock.
fn die(external: &ExternalServer, server: Server) {
    server.keep();
    // The lock is released once the backend has noticed.
    external.is_quiet();
}

#[test]
fn a_run_leaves_a_server_as_it_was() {
    let external = ExternalServer::new();
    external.session().run("CREATE DATABASE theirs").expect("a database");
    external.session().run("CREATE ROLE before").expect("a role");
    let (databases_before, roles_before) = (databases(&external), roles(&external));
    let server = start_run(&external.url("")).expect("databases");
    let script = "DO $$ BEGIN CREATE ROLE before; EXCEPTION WHEN duplicate_object THEN NULL; END $$; CREATE ROLE app; \
                  CREATE TABLE t (); GRANT SELECT ON t TO app, before;";
    let name = make(&server, "shop", script);
    let directory = server.directory().to_path_buf();
    assert!(databases(&external).contains(&name) && roles(&external).contains(&"app".to_owned()));
    assert!(directory.is_dir());
    // An open session of another client is in the way.
    let _guest = server.handle().open(&name).expect("a session");
    drop(server);
    assert_eq!((databases(&external), roles(&external)), (databases_before, roles_before));
    assert!(!directory.exists());
}

#[test]
fn databases_do_not_depend_on_the_server_defaults() {
    let external = ExternalServer::new();
    // What is added to template1 appears in every new database.
    external.session().run("CREATE DATABASE template2").expect("a database");
    let server = start_run(&external.url("")).expect("databases");
    let name = make(&server, "shop", "SELECT 1;");
    let mut session = server.handle().open(&name).expect("a session");
    let sql = "SELECT datcollate || ' ' || datctype || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()";
    assert_eq!(session.value(sql).expect("a value").as_deref(), Some("C C UTF8"));
    assert_eq!(session.value("SHOW TimeZone").expect("a value").as_deref(), Some("UTC"));
    session.run("DISCARD ALL").expect("a session");
    assert_eq!(session.value("SHOW TimeZone").expect("a value").as_deref(), Some("UTC"));
}

#[test]
fn what_a_dead_run_left_behind_is_removed_by_the_next() {
    let external = ExternalServer::new();
    let (databases_before, roles_before) = (databases(&external), roles(&external));
    let dead = start_run(&external.url("")).expect("databases");
    make(&dead, "shop", "CREATE ROLE app; CREATE TABLE t (); GRANT SELECT ON t TO app;");
    die(&external, dead);
    assert_eq!(databases(&external).len(), databases_before.len() + 1);
    drop(start_run(&external.url("")).expect("databases"));
    assert_eq!((databases(&external), roles(&external)), (databases_before, roles_before));
}

#[test]
fn what_is_alive_or_has_no_owner_tag_is_left_alone() {
    let external = ExternalServer::new();
    external.session().run("CREATE DATABASE pgproof_deadbeef_theirs").expect("a database");
    external.session().run("CREATE DATABASE pgproof_feedbeef_theirs").expect("a database");
    let theirs = "COMMENT ON DATABASE pgproof_feedbeef_theirs IS 'made by pgproof, run 00000001; roles []'";
    external.session().run(theirs).expect("a comment with another run");
    let living = start_run(&external.url("")).expect("databases");
    let name = make(&living, "shop", "SELECT 1;");
    drop(start_run(&external.url("")).expect("databases"));
    let left = databases(&external);
    for kept in ["pgproof_deadbeef_theirs", "pgproof_feedbeef_theirs", &name] {
        assert!(left.iter().any(|left| left == kept), "{kept} is gone: {left:?}");
    }
}

#[test]
fn a_role_that_two_runs_create_is_removed_by_the_second() {
    let external = ExternalServer::new();
    let script = "DO $$ BEGIN CREATE ROLE app; EXCEPTION WHEN duplicate_object THEN NULL; END $$;";
    let (first, second) = (start_run(&external.url("")).expect("one"), start_run(&external.url("")).expect("two"));
    make(&first, "shop", script);
    make(&second, "shop", script);
    drop(first);
    assert!(roles(&external).contains(&"app".to_owned()), "the second still needs it");
    drop(second);
    assert!(!roles(&external).contains(&"app".to_owned()));
}

#[test]
fn databases_and_roles_of_another_user_are_left_alone() {
    let external = ExternalServer::new();
    // Looks like a dead run's database, but its creator may not remove the role that is named there.
    let mut session = external.session();
    session.run("CREATE ROLE guest CREATEDB").expect("a role");
    session.run("CREATE ROLE billing").expect("a role");
    session.run("CREATE DATABASE pgproof_deadbeef_x OWNER guest").expect("a database");
    let oid = session.value("SELECT oid FROM pg_roles WHERE rolname = 'billing'").expect("a value").expect("an OID");
    let tag = format!("made by pgproof, run deadbeef; roles [{{\"name\":\"billing\",\"oid\":{oid}}}]");
    session.run(&format!("COMMENT ON DATABASE pgproof_deadbeef_x IS '{tag}'")).expect("a comment");
    drop(start_run(&external.url("")).expect("databases"));
    assert!(databases(&external).contains(&"pgproof_deadbeef_x".to_owned()));
    assert!(roles(&external).contains(&"billing".to_owned()));
}

#[test]
fn a_role_that_a_dead_run_never_created_is_left_alone() {
    let external = ExternalServer::new();
    let dead = start_run(&external.url("")).expect("databases");
    make(&dead, "shop", "DO $$ BEGIN IF false THEN CREATE ROLE later; END IF; END $$;");
    die(&external, dead);
    external.session().run("CREATE ROLE later").expect("a foreign role");
    drop(start_run(&external.url("")).expect("databases"));
    assert!(roles(&external).contains(&"later".to_owned()));
}

#[test]
fn a_database_whose_owner_tag_a_script_overwrites_is_removed_too() {
    let external = ExternalServer::new();
    let before = databases(&external);
    let server = start_run(&external.url("")).expect("databases");
    let comment = "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS NULL', current_database()); END $$;";
    make(&server, "shop", comment);
    drop(server);
    assert_eq!(databases(&external), before);
}

#[test]
fn roles_that_depend_on_each_other_are_all_removed() {
    let external = ExternalServer::new();
    let before = roles(&external);
    let server = start_run(&external.url("")).expect("databases");
    let script = "CREATE ROLE a CREATEROLE; CREATE ROLE b; CREATE ROLE c; GRANT b TO a WITH ADMIN OPTION; \
                  SET ROLE a; GRANT b TO c; RESET ROLE;";
    make(&server, "shop", script);
    drop(server);
    assert_eq!(roles(&external), before);
}
