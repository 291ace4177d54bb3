//! `restore`: a backup takes the place of a database, and a restore that fails or is killed leaves the old one in place.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pgproof_server::Session;
use pgproof_server::connection::Address;

use crate::backup::{backed_up, opportunity, remaining};
use crate::database::InUse;
use crate::project::Ended;

/// A database with rows whose owner may create databases.
fn live() -> InUse {
    let live = opportunity();
    live.superuser().run(&format!("ALTER ROLE {} CREATEDB", live.name)).expect("a superuser");
    live
}

fn restore(live: &InUse) -> Ended {
    live.pgproof(&["restore", "--file", "saved.dump", "--database", "live", "--confirm", "live"])
}

/// A session of the owner with another database.
fn elsewhere(live: &InUse) -> Session {
    let address = Address::parse(&live.conninfo()).expect("an address");
    Session::open(&address, "postgres").expect("a session")
}

/// The databases whose names begin with that of the database in use.
fn databases(live: &InUse) -> Vec<String> {
    let sql = format!("SELECT datname FROM pg_database WHERE datname ~ '^{}(_[^0-9]|$)' ORDER BY 1", live.name);
    elsewhere(live).column(&sql).expect("names")
}

/// Whether the database is the old one, to which `note` was added after the backup.
#[track_caller]
fn is_old(live: &InUse) {
    assert_eq!(live.column("SELECT to_regclass('after_the_backup') IS NOT NULL"), ["t"]);
}

#[test]
fn a_dropped_table_is_back_and_the_old_database_is_kept() {
    let live = live();
    live.run(&format!(
        "ALTER DATABASE {0} SET search_path TO public, \"Odd\"; REVOKE CONNECT ON DATABASE {0} FROM PUBLIC; COMMENT ON DATABASE {0} IS 'ours'",
        live.name
    ));
    backed_up(&live);
    live.run("DROP TABLE \"Odd name\"; CREATE TABLE after_the_backup ()");
    let address = Address::parse(&live.conninfo()).expect("an address");
    let mut application = Session::open(&address, &live.name).expect("a session");
    let properties = "SELECT (SELECT string_agg(acl::text, ' ' ORDER BY acl::text) FROM unnest(datacl) AS acl) || datcollate || pg_get_userbyid(datdba) || shobj_description(oid, 'pg_database') || (SELECT setconfig::text FROM pg_db_role_setting WHERE setdatabase = pg_database.oid) FROM pg_database WHERE datname = current_database()";
    let before = live.column(properties);
    let ended = restore(&live);
    ended.demand(0, &["a backup of database live_", "(1 now)", "restored: live (database live_", "is kept as live_"]);
    assert!(application.value("SELECT 1").is_err(), "the session of the old database has ended");
    assert_eq!(live.column("SELECT count(*) FROM \"Odd name\""), ["300"]);
    assert_eq!(live.column("SELECT to_regclass('after_the_backup') IS NULL"), ["t"]);
    assert_eq!(live.column(properties), before);
    assert_eq!(remaining(&live.project.path("")), Vec::<String>::new());
    let all = databases(&live);
    assert_eq!(all.len(), 2, "{all:?}");
    // The way back that it prints is one.
    let line = |word: &str| {
        let mut lines = ended.stdout.lines().map(str::trim);
        lines.rfind(|line| line.starts_with(word)).expect("a statement").to_owned()
    };
    elsewhere(&live).run(&line("ALTER DATABASE")).expect("it is a statement");
    is_old(&live);
    assert_eq!(databases(&live).len(), 2);
    assert!(line("DROP DATABASE").starts_with("DROP DATABASE \"live_"));
}

#[test]
fn a_dump_that_lacks_something_replaces_nothing() {
    let live = live();
    let dump = backed_up(&live);
    live.run("CREATE TABLE after_the_backup ()");
    let bytes = std::fs::read(&dump).expect("a file");
    std::fs::write(&dump, &bytes[..bytes.len() * 9 / 10]).expect("a file");
    restore(&live).demand(1, &["missing", "pg_restore failed", "does not bring everything back", "is as it was"]);
    is_old(&live);
    assert_eq!(databases(&live), [live.name.as_str()]);
}

#[test]
fn what_a_restore_needs_is_said_before_anything_is_done() {
    let live = opportunity();
    backed_up(&live);
    let said = format!("it may not create databases; as a superuser, run: ALTER ROLE \"{}\" CREATEDB", live.name);
    restore(&live).demand(2, &[&said]);
    live.superuser()
        .run(&format!("ALTER ROLE {0} CREATEDB; ALTER DATABASE {0} OWNER TO postgres", live.name))
        .expect("a superuser");
    restore(&live).demand(2, &["it is not a member of its owner, postgres"]);
    live.superuser().run(&format!("ALTER DATABASE {0} OWNER TO {0}", live.name)).expect("a superuser");
    let ended = live.pgproof(&["restore", "--file", "saved.dump", "--database", "live", "--yes"]);
    ended.demand(2, &["nothing was changed; to proceed, give --confirm live"]);
    assert_eq!(databases(&live), [live.name.as_str()]);
}

#[test]
fn a_session_that_cannot_be_ended_leaves_the_old_database_in_place() {
    let live = live();
    backed_up(&live);
    live.run("CREATE TABLE after_the_backup ()");
    // Only a superuser may end the session of one.
    let mut superuser = live.superuser();
    restore(&live).demand(2, &["cannot end the sessions of postgres with database live_", "which is as it was"]);
    assert_eq!(superuser.value("SELECT 1").expect("a session").as_deref(), Some("1"));
    drop(superuser);
    is_old(&live);
    assert_eq!(databases(&live), [live.name.as_str()]);
}

#[test]
fn applications_that_connect_again_and_again_do_not_hinder_it() {
    let live = live();
    backed_up(&live);
    let has_ended = AtomicBool::new(false);
    let address = Address::parse(&live.conninfo()).expect("an address");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut sessions = Vec::new();
                while !has_ended.load(Ordering::Relaxed) {
                    sessions.extend(Session::open(&address, &live.name));
                    sessions.retain(|session| !session.is_closed());
                    sessions.truncate(5);
                }
            });
        }
        let ended = restore(&live);
        has_ended.store(true, Ordering::Relaxed);
        ended.demand(0, &["restored: live"]);
    });
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_database_in_place() {
    let live = live();
    // Restoring it takes as long.
    live.run("CREATE MATERIALIZED VIEW slow AS SELECT pg_sleep(3)::text");
    backed_up(&live);
    live.run("CREATE TABLE after_the_backup ()");
    let mut command =
        live.project.pgproof(&["restore", "--file", "saved.dump", "--database", "live", "--confirm", "live"]);
    let tmp = live.project.path("tmp");
    std::fs::create_dir(&tmp).expect("a directory");
    let mut restoring =
        command.env("TMPDIR", &tmp).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pgproof runs");
    let running =
        "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'REFRESH MATERIALIZED' AND pid <> pg_backend_pid()";
    let of_live = format!("{running} AND datname ~ '^{}_restored'", live.name);
    let wait_for = |count: &str| {
        let started = Instant::now();
        let mut session = elsewhere(&live);
        // The owner sees the queries of its own sessions.
        while session.value(&of_live).expect("a count").as_deref() != Some(count) {
            assert!(started.elapsed() < Duration::from_secs(20), "pg_restore: not {count}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for("1");
    restoring.kill().expect("it runs");
    restoring.wait().expect("it ended");
    is_old(&live);
    wait_for("0");
    let private = || std::fs::read_dir(&tmp).expect("a directory").count();
    let started = Instant::now();
    while private() > 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "private files remain");
        std::thread::sleep(Duration::from_millis(20));
    }
    let all = databases(&live);
    assert_eq!(all.len(), 2, "{all:?}");
    // The next one says what is left.
    let left = format!("{} is left of a restore that was interrupted; to remove it: DROP DATABASE", all[1]);
    let ended = restore(&live);
    ended.demand(0, &[&left]);
}
