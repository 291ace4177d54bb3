//! `backup` and `restore-drill`: what is backed up is proven to be restorable, and whatever a dump lacks is named.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;

use crate::database::InUse;
use crate::project::{Ended, Project};

/// Rows of every kind: with text, numbers, times, JSON, references and a sequence that is ahead of its rows.
const ROWS: &str = "
    CREATE SEQUENCE numbers; SELECT nextval('numbers') FROM generate_series(1, 7);
    CREATE TABLE \"Odd name\" (t text, \"ROW\" timestamptz DEFAULT now(), f float8 DEFAULT random(), j jsonb, e bytea);
    INSERT INTO \"Odd name\" (t, j, e) SELECT 'é ' || i, jsonb_build_object('a', i), '\\x00ff' FROM generate_series(1, 300) AS i;
    CREATE TABLE parts (id bigint GENERATED ALWAYS AS IDENTITY, k int) PARTITION BY LIST (k);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
    INSERT INTO parts (k) SELECT 1 + i % 2 FROM generate_series(1, 50) AS i;
    CREATE TABLE words (kind varchar(9) DEFAULT 'it''s, a' CHECK (kind IN ('a', 'it''s, b'))); CREATE INDEX ON words (kind) WHERE kind IN ('a', 'b');
    CREATE VIEW of_kind AS SELECT * FROM words WHERE kind NOT IN ('a', 'b') OR kind BETWEEN 'x' AND 'y';
    CREATE POLICY own ON words USING (kind IN ('a', current_setting('app.kind', true)));
    SELECT lo_from_bytea(0, 'large');";

/// The opportunity schema with rows.
pub fn opportunity() -> InUse {
    let live = InUse::migrated();
    live.run(ROWS);
    live
}

/// The settler schema with rows, owned by a role that sees all of them.
fn settler() -> InUse {
    let live = InUse::of(Project::of("settler"), "");
    let migration = live.project.path("sql/settler/001-initial-schema.sql");
    live.run(&std::fs::read_to_string(migration).expect("a file"));
    live.run(ROWS);
    live.superuser().run(&format!("ALTER ROLE {} BYPASSRLS", live.name)).expect("a superuser");
    live
}

/// Backs a database up into its project; the dump.
#[track_caller]
pub fn backed_up(live: &InUse) -> PathBuf {
    let ended = live.pgproof(&["backup", "--database", "live", "--output", "saved.dump"]);
    ended.demand(0, &["backed up live (database live_", "saved.dump.json"]);
    live.project.path("saved.dump")
}

#[track_caller]
fn drill(live: &InUse) -> Ended {
    live.pgproof(&["restore-drill", "--file", "saved.dump"])
}

/// A client program of the newest installed version.
fn client(program: &str) -> Command {
    let found = pgproof_server::ClientPrograms::for_major(&pgproof_server::ServerOptions::default(), 14);
    let found = found.expect("client programs");
    if program == "pg_dump" { found.pg_dump() } else { found.pg_restore() }
}

/// Dumps a database in place of a backup, which keeps its manifest.
fn dump_instead(live: &InUse, from: &InUse, arguments: &[&str]) {
    let file = live.project.path("saved.dump");
    let mut command = client("pg_dump");
    command.args(["--format=custom", "--dbname", &from.conninfo(), "--file"]).arg(file).args(arguments);
    assert!(command.status().expect("pg_dump runs").success());
}

#[rstest]
#[case::opportunity(opportunity())]
#[case::settler(settler())]
fn a_backup_is_proven(#[case] live: InUse) {
    let dump = backed_up(&live);
    for file in [dump.clone(), dump.with_file_name("saved.dump.json")] {
        assert_eq!(file.metadata().expect("a file").permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    drill(&live).demand(0, &["proven: saved.dump of 2", "all of it is back"]);
    assert_eq!(remaining(live.project.path("").as_path()), Vec::<String>::new());
}

#[test]
fn a_drill_of_a_database_makes_its_own_backup() {
    let live = opportunity();
    live.run(&format!("ALTER DATABASE {} SET search_path TO public, \"Odd\"", live.name));
    let ended = live.pgproof(&["restore-drill", "--database", "live", "--jobs", "2"]);
    ended.demand(0, &["proven: the backup of live_", "all of it is back"]);
    // It has what the migrations do not make.
    let ended = live.pgproof(&["restore-drill", "opportunity", "--database", "live"]);
    ended.demand(
        1,
        &[
            "table \"Odd name\": is not expected, but is there",
            "refuted: it differs from the migrations of opportunity: 9 differences",
        ],
    );
    live.run("DROP TABLE \"Odd name\", parts, words CASCADE; DROP SEQUENCE numbers");
    live.run(&format!("ALTER DATABASE {} RESET ALL", live.name));
    live.pgproof(&["restore-drill", "opportunity", "--database", "live"]).demand(0, &["proven"]);
}

#[test]
fn a_restored_database_is_as_the_migrations_make_it() {
    let live = InUse::of(Project::of("settler"), "");
    let migration = live.project.path("sql/settler/001-initial-schema.sql");
    live.run(&std::fs::read_to_string(migration).expect("a file"));
    live.superuser().run(&format!("ALTER ROLE {} BYPASSRLS", live.name)).expect("a superuser");
    live.pgproof(&["restore-drill", "settler", "--database", "live"])
        .demand(0, &["proven", "as the migrations of settler make it"]);
}

#[test]
fn a_dump_of_several_jobs_is_a_directory() {
    let live = opportunity();
    std::fs::create_dir(live.project.path("backups")).expect("a directory");
    let backup = ["backup", "--database", "live", "--output", "backups", "--jobs", "2"];
    live.pgproof(&backup).demand(0, &[".dir ("]);
    let entries = std::fs::read_dir(live.project.path("backups")).expect("a directory");
    let dump = entries.map(|entry| entry.expect("an entry").path()).find(|path| path.is_dir()).expect("a dump");
    assert_eq!(dump.metadata().expect("a directory").permissions().mode() & 0o777, 0o700);
    let dump = dump.display().to_string();
    live.pgproof(&["restore-drill", "--file", &dump, "--jobs", "2"]).demand(0, &["proven"]);
    std::fs::remove_file(Path::new(&dump).join("toc.dat")).expect("a file");
    live.pgproof(&["restore-drill", "--file", &dump]).demand(1, &["the dump is truncated", "pg_restore failed"]);
}

#[test]
fn a_truncated_dump_is_found() {
    let live = opportunity();
    let dump = backed_up(&live);
    let bytes = std::fs::read(&dump).expect("a file");
    std::fs::write(&dump, &bytes[..bytes.len() * 9 / 10]).expect("a file");
    drill(&live).demand(1, &["the dump is truncated", "missing", "pg_restore failed; it said:\n  pg_restore: error:"]);
    std::fs::write(&dump, &bytes[..100]).expect("a file");
    drill(&live).demand(1, &["the dump is truncated", "it has 0 of its", "pg_restore failed"]);
    std::fs::write(&dump, "no dump").expect("a file");
    drill(&live).demand(1, &["the dump is truncated", "pg_restore failed"]);
}

#[test]
fn a_dump_of_another_database_is_found() {
    let (live, other) = (opportunity(), settler());
    backed_up(&live);
    dump_instead(&live, &other, &[]);
    drill(&live).demand(1, &["this is no dump of the whole database live_", "table etl_logs: is missing", "and "]);
}

#[test]
fn a_table_left_out_is_found() {
    let live = opportunity();
    backed_up(&live);
    dump_instead(&live, &live, &["--exclude-table=parts_2"]);
    let ended = drill(&live);
    ended.demand(1, &["table parts_2: is missing", "does not bring everything back"]);
    assert!(!ended.stdout.contains("rows"), "{}", ended.stdout);
    dump_instead(&live, &live, &["--exclude-table-data=parts_2"]);
    drill(&live).demand(1, &["table parts_2: 25 rows are missing: it had 25, and 0 are restored"]);
}

#[rstest]
#[case("DELETE FROM parts WHERE id = 1", "table parts_2: 1 row is missing: it had 25, and 24 are restored")]
#[case("INSERT INTO parts (k) VALUES (1)", "table parts_1: 26 rows are restored, but it had 25")]
#[case("UPDATE \"Odd name\" SET t = 'other' WHERE t = 'é 7'", "table \"Odd name\": its 300 rows have other values")]
#[case("UPDATE \"Odd name\" SET e = '\\x00fe' WHERE t = 'é 7'", "table \"Odd name\": its 300 rows have other values")]
#[case("SELECT setval('numbers', 3)", "sequence numbers: gives 4 next, expected 8")]
#[case("SELECT setval('numbers', 7, false)", "sequence numbers: gives 7 next, expected 8")]
#[case("SELECT lo_unlink(oid) FROM pg_largeobject_metadata", "0 large objects are restored, but there were 1")]
#[case("DROP INDEX idx_etl_logs_run_id", "index idx_etl_logs_run_id: is missing")]
#[case("ALTER TABLE etl_logs DISABLE TRIGGER ALL; GRANT SELECT ON parts TO PUBLIC", "table parts: privileges is")]
fn what_differs_is_named(#[case] change: &str, #[case] said: &str) {
    let live = opportunity();
    backed_up(&live);
    let changed = change.replace("ALTER TABLE etl_logs DISABLE TRIGGER ALL; ", "");
    live.run(&changed);
    dump_instead(&live, &live, &[]);
    drill(&live).demand(1, &[said, "refuted: saved.dump of 2"]);
}

#[test]
fn what_cannot_be_backed_up_is_an_error() {
    let live = settler();
    live.superuser().run(&format!("ALTER ROLE {} NOBYPASSRLS", live.name)).expect("a superuser");
    let backup = ["backup", "--database", "live", "--output", "saved.dump"];
    let hint = format!("ALTER ROLE {} BYPASSRLS", live.name);
    live.pgproof(&backup).demand(2, &["row security hides rows of tables ", &hint]);
    live.project.write("saved.dump", "something else");
    live.pgproof(&backup).demand(2, &["saved.dump exists; a backup replaces nothing"]);
    live.pgproof(&["restore-drill", "--file", "saved.dump"]).demand(2, &["saved.dump.json, the manifest that"]);
    live.pgproof(&["restore-drill", "--file", "nothing"]).demand(2, &["cannot read nothing"]);
    live.pgproof(&["restore-drill"]).demand(2, &["--database <NAME|URL>|--file <DUMP>"]);
    live.project.write("saved.dump.json", "{}");
    live.pgproof(&["restore-drill", "--file", "saved.dump"]).demand(2, &["saved.dump.json is not a manifest"]);
}

/// Files in a directory that are neither the project's nor the backup's.
pub fn remaining(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let known = ["sql", "fixtures", "snapshots", "pgproof.toml", "saved.dump", "saved.dump.json"];
    names.filter(|name| !known.contains(&name.as_str())).collect()
}
