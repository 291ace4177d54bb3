//! Migrations that are not safe to re-run, one for each way in which real ones fail: each is found, shrunk to the
//! smallest case, and reported with its location.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use pgproof_assertions::assertion::Failure;
use pgproof_rerun::{Next, Rerun, Runs};
use pgproof_runner::isolation::Template;
use pgproof_sql::{Migration, Source, split};
use rstest::rstest;

fn migration(number: u64, name: &str, sql: &str) -> Migration {
    let source = Source { path: name.into(), shown: name.into(), text: sql.to_owned() };
    Migration { number, file: name.into(), statements: split(source, Path::new(".")).expect("statements") }
}

fn runs(files: &[&str]) -> Runs {
    let template = Template::scratch().expect("a server");
    let numbered = files.iter().zip(1..).map(|(sql, number)| migration(number, &format!("{number}.sql"), sql));
    Runs::with(&template, numbered.collect(), Rerun::default())
}

fn found(result: Result<(), Failure>) -> String {
    match result {
        Err(Failure::Refuted { found, .. }) => found,
        other => panic!("not refuted: {other:?}"),
    }
}

const SAFE: &str = "CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY, b text);\n\
    INSERT INTO t VALUES (1, 'x') ON CONFLICT DO NOTHING;\n\
    CREATE INDEX CONCURRENTLY IF NOT EXISTS other ON t (a, b);\n\
    DROP INDEX CONCURRENTLY IF EXISTS other;\n";

#[test]
fn what_is_safe_is_found_safe() {
    let safe = runs(&[SAFE, "ALTER TABLE t ADD COLUMN IF NOT EXISTS at timestamptz DEFAULT now();"]);
    safe.again().expect("repeatable");
    safe.killed().expect("killed and repeated");
    safe.at_once().expect("at once");
    let back = [
        migration(2, "2.down.sql", "ALTER TABLE t DROP COLUMN IF EXISTS at;"),
        migration(1, "1.down.sql", "DROP TABLE IF EXISTS t;"),
    ];
    safe.rolled_back(&back, true).expect("rolled back");
}

#[test]
fn a_table_with_random_keys_may_be_renamed() {
    let renamed = runs(&[
        "CREATE TABLE old (id uuid DEFAULT gen_random_uuid(), n int);\nINSERT INTO old (n) VALUES (1);",
        "ALTER TABLE old RENAME TO new;",
    ]);
    let back =
        [migration(2, "2.down.sql", "ALTER TABLE new RENAME TO old;"), migration(1, "1.down.sql", "DROP TABLE old;")];
    renamed.rolled_back(&back, false).expect("rolled back");
    renamed.resumable(Next::Rest).expect("resumed by the rest");
    assert!(found(renamed.resumable(Next::All).map(drop)).contains("after the first 1 files, all of them are run"));
}

#[rstest]
#[case::insert_without_on_conflict(
    "CREATE TABLE IF NOT EXISTS t (a int);\nINSERT INTO t VALUES (1);",
    "1.sql, run a second time, changes the database:\ntable t: it has 2 rows, had 1\n  by 1.sql:2:1"
)]
#[case::policy_without_a_guard(
    "CREATE TABLE IF NOT EXISTS t (a int);\nCREATE POLICY p ON t USING (true);",
    "1.sql cannot be run a second time\n1.sql:2:1: CREATE POLICY failed"
)]
#[case::constraint_without_a_name(
    "CREATE TABLE IF NOT EXISTS t (a int);\nALTER TABLE t ADD CHECK (a > 0);",
    "1.sql, run a second time, changes the database:\nconstraint t.t_a_check1 was added\n  by 1.sql:2:1"
)]
#[case::table_made_anew(
    "DROP TABLE IF EXISTS t;\nCREATE TABLE t (a int);",
    "1.sql, run a second time, changes the database:\ntable t was dropped and re-created: its rows are gone\n  by 1.sql:1:1"
)]
#[case::time_of_the_last_run(
    "CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY, at timestamptz);\n\
     INSERT INTO t VALUES (1, now()) ON CONFLICT (a) DO UPDATE SET at = now();",
    "1.sql, run a second time, changes the database:\ntable t: rows have other values\n  by 1.sql:2:1"
)]
#[case::sequence_that_is_set_back(
    "CREATE TABLE IF NOT EXISTS t (a serial, b int PRIMARY KEY);\nALTER SEQUENCE t_a_seq RESTART;",
    "1.sql, run a second time, changes the database:\nsequence t_a_seq was set back from 1 to 0: it gives numbers that are already used\n  by 1.sql:2:1"
)]
#[case::setting_that_is_toggled(
    "CREATE TABLE IF NOT EXISTS t (a int);\nCREATE OR REPLACE VIEW v AS SELECT count(*) AS n FROM t;\n\
     DO $$ BEGIN IF obj_description('t'::regclass) IS NULL THEN COMMENT ON TABLE t IS 'x'; ELSE COMMENT ON TABLE t IS NULL; END IF; END $$;",
    "1.sql, run a second time, changes the database:\ntable t: comment is none, was x"
)]
fn what_changes_when_it_is_run_again(#[case] sql: &str, #[case] told: &str) {
    let found = found(runs(&[sql]).again());
    assert!(found.starts_with(told), "{found}");
}

#[test]
fn an_index_that_was_killed_half_way() {
    let sql = "CREATE TABLE IF NOT EXISTS t (a int);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON t (a);";
    insta::assert_snapshot!(found(runs(&[sql]).killed().map(drop)), @"
    killed during 1.sql:2:1, CREATE INDEX
    run again, they lead to another state:
    index t_a: valid is false, was true
      by 1.sql:2:1
    ");
}

#[test]
fn a_run_that_was_killed_and_fails_from_then_on() {
    let sql = "CREATE TABLE IF NOT EXISTS t (a int);\nALTER TABLE t RENAME TO u;\nALTER TABLE u ADD COLUMN IF NOT EXISTS b int;";
    let found = found(runs(&[sql]).killed().map(drop));
    assert!(found.contains("killed after 1.sql:"), "{found}");
}

/// Run again, the first rows use up numbers, though nothing is inserted: whether a later row gets another one depends on
/// where it takes it from.
#[rstest]
#[case::from_the_same_sequence("t", false)]
#[case::from_another_sequence("u", true)]
fn numbers_that_a_repetition_uses_up(#[case] table: &str, #[case] holds: bool) {
    let first = "CREATE TABLE IF NOT EXISTS t (id serial, a int UNIQUE);\nCREATE TABLE IF NOT EXISTS u (id serial, a int UNIQUE);\n\
                 INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING;";
    let second = format!("INSERT INTO {table} (a) VALUES (2) ON CONFLICT DO NOTHING;");
    for files in [vec![first, second.as_str()], vec![&*format!("{first}\n{second}")]] {
        let runs = runs(&files);
        assert_eq!(runs.killed().is_ok(), holds, "killed: {files:?}");
        let is_one = files.len() == 1;
        assert_eq!(runs.resumable(Next::All).is_ok(), holds || is_one, "resumed: {files:?}");
        runs.again_together().expect("repeatable");
    }
}

/// A repetition is tried while the run's own session is still there.
#[test]
fn a_lock_and_a_temporary_table_of_the_run_itself() {
    let sql = "SELECT pg_advisory_lock(1);\nCREATE TEMPORARY TABLE kept (a int);\nINSERT INTO kept VALUES (1);\n\
               CREATE TABLE IF NOT EXISTS t AS SELECT a FROM kept;";
    let runs =
        runs(&[sql, "CREATE TEMPORARY TABLE kept (b int);\nCREATE TABLE IF NOT EXISTS u AS SELECT b FROM kept;"]);
    runs.killed().expect("killed and repeated");
    runs.resumable(Next::All).expect("resumed");
    runs.again_together().expect("repeatable");
}

#[test]
fn a_rollback_that_forgets_a_type() {
    let up = "CREATE TYPE mood AS ENUM ('good', 'bad');\nCREATE TABLE t (m mood);";
    let back = migration(1, "1.down.sql", "DROP TABLE t;");
    insta::assert_snapshot!(found(runs(&[up]).rolled_back(&[back], true)), @"
    1.down.sql does not lead back to what stood before 1.sql:
    enum mood was added
      by 1.sql:1:1
    ");
}

#[test]
fn a_rollback_in_a_wrong_order() {
    let files = [
        "CREATE TABLE IF NOT EXISTS t (a int);",
        "CREATE TABLE IF NOT EXISTS u (b int);\nALTER TABLE t ADD COLUMN IF NOT EXISTS c int;\nCREATE OR REPLACE VIEW v AS SELECT c FROM t;",
    ];
    let back = [
        migration(2, "2.down.sql", "DROP VIEW IF EXISTS v;\nALTER TABLE t DROP COLUMN c;\nDROP TABLE u;"),
        migration(
            1,
            "1.down.sql",
            "ALTER TABLE t RENAME TO t_old;\nDROP TABLE IF EXISTS t_old CASCADE;\nCREATE TABLE kept (a int);\nDROP TABLE kept;\nALTER TABLE IF EXISTS u ADD COLUMN harm int;",
        ),
    ];
    insta::assert_snapshot!(found(runs(&files).rolled_back(&back, true)), @"
    rolled back in a wrong order by 1.down.sql and applied again, they lead to another state:
    column u.harm was added
      by 1.down.sql:5:1
    ");
}
