//! `audit` on directories of migrations that were not written for pgproof.

use std::process::Command;

use tempfile::TempDir;

use crate::markdown::page;
use crate::project::Ended;

/// A directory with these files.
pub fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    directory
}

/// Runs `audit` in a directory.
pub fn audit(directory: &TempDir, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgproof"));
    command.arg("audit").args(arguments).current_dir(directory.path());
    for variable in ["PGPROOF_CONFIG", "PGPROOF_RUN", "PGPROOF_CASES", "PGPROOF_SEED"] {
        command.env_remove(variable);
    }
    Ended::of(&command.output().expect("pgproof runs"))
}

#[test]
fn every_error_is_reported_and_consequences_are_marked() {
    let files = directory(&[
        (
            "migrations/001_tables.sql",
            "CREATE TABLE IF NOT EXISTS blocks (id int, ip text, until timestamptz);\n\
             CREATE INDEX IF NOT EXISTS active ON blocks (ip) WHERE until > now();\n\
             CREATE TABLE IF NOT EXISTS rules (\n    ip text,\n    CONSTRAINT one_active UNIQUE (ip) WHERE (true)\n);\n",
        ),
        (
            "migrations/002_more.sql",
            "BEGIN;\nALTER TABLE rules ADD COLUMN note text;\nCOMMENT ON TABLE blocks IS 'blocked';\nCOMMIT;\n",
        ),
    ]);
    let ended = audit(&files, &["migrations"]);
    ended.demand(
        1,
        &[
            "2 files, 7 statements",
            "1. 001_tables.sql:2:1: error (applies)\n   CREATE INDEX failed with 42P17 invalid_object_definition",
            "2. 001_tables.sql:5:39: error (applies)\n   CREATE TABLE failed with 42601 syntax_error",
            "3. 002_more.sql:2:1: error (applies)\n   follows from 2\n   ALTER TABLE failed with 42P01",
            "findings: 3, 1 of them consequences of others",
        ],
    );
    // The page shows this run, on whatever major.
    let shown = page("docs/audit.md").block("$ cargo xtask audit migrations");
    let steady = |text: &str| {
        let (head, rest) = text.trim().split_once("; PostgreSQL ").expect("a major");
        [head, &rest[2..]].concat()
    };
    let (_, shown) = shown.split_once('\n').expect("a command");
    assert_eq!(steady(shown), steady(&ended.stdout), "docs/audit.md");
}

#[test]
fn safe_migrations_are_confirmed_and_unsafe_ones_reported_with_their_place() {
    let safe = "CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY);\nINSERT INTO t VALUES (1) ON CONFLICT DO NOTHING;\n";
    audit(&directory(&[("1.sql", safe)]), &["."]).demand(
        0,
        &[
            "  applies  2 statements  hold\n  again          1 file  hold\n  killed         1 file  hold\n",
            "  rows          10 runs  hold  all files together\n",
            "  at-once        2 runs  hold  all files together\n\nno findings\n",
        ],
    );
    let twice = "CREATE TABLE IF NOT EXISTS t (a int);\nINSERT INTO t VALUES (1);\n";
    audit(&directory(&[("1.sql", twice)]), &["."])
        .demand(1, &["1. 1.sql:2:1: warning (again)", "table t: it has 2 rows, had 1", "to do: guard it"]);
    let reset = "CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY);\nTRUNCATE t;\n";
    audit(&directory(&[("1.sql", reset)]), &["."])
        .demand(1, &["warning (rows)", "a row that a user put in is gone or changed"]);
    let half = "CREATE TABLE IF NOT EXISTS t (a int);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON t (a);\n";
    audit(&directory(&[("1.sql", half)]), &["."])
        .demand(1, &["1.sql:2:1: warning (killed)", "index t_a: valid is false"]);
}

#[test]
fn a_tool_that_records_runs_nothing_twice_and_its_down_migrations_are_checked() {
    let goose =
        "-- +goose Up\nCREATE TYPE mood AS ENUM ('good');\nCREATE TABLE t (m mood);\n-- +goose Down\nDROP TABLE t;\n";
    audit(&directory(&[("00001_a.sql", goose)]), &["."]).demand(
        1,
        &[
            "goose's annotations",
            "1 file  1 violate it  the tool runs no file twice",
            "00001_a.sql:2:1: warning (rollback)",
            "enum mood was added",
        ],
    );
    let whole = goose.replace("DROP TABLE t;", "DROP TABLE t;\nDROP TYPE mood;");
    audit(&directory(&[("00001_a.sql", &whole)]), &["."]).demand(0, &["no findings", "the tool runs no file twice"]);
}

#[test]
fn prelude_search_path_and_variables_apply_to_every_file() {
    let files = directory(&[
        ("prelude.sql", "CREATE SCHEMA app; CREATE ROLE pgproof_app_reader;"),
        (
            "m/1.sql",
            "CREATE TABLE IF NOT EXISTS ${prefix}_t (a int DEFAULT :n);\nGRANT SELECT ON my_t TO pgproof_app_reader;\n",
        ),
        ("m/2.sql", "CREATE OR REPLACE VIEW app.v AS SELECT a FROM my_t;\n"),
        ("order", "1.sql\n2.sql\n"),
    ]);
    let arguments = [
        "m",
        "--prelude",
        "prelude.sql",
        "--search-path",
        "app, public",
        "--set",
        "prefix=my",
        "--set",
        "n=3",
        "--order",
        "order",
    ];
    audit(&files, &arguments).demand(0, &["the order given", "no findings"]);
    audit(&files, &["m"]).demand(1, &["1.sql:1:28: error (applies)"]);
}

#[test]
fn syntax_of_a_newer_version_is_recognised() {
    let files = directory(&[(
        "1.sql",
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) VIRTUAL);\nCREATE TABEL u (a int);\n",
    )]);
    let ended = audit(&files, &[".", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a document");
    let findings = document["findings"].as_array().expect("findings");
    let advised = |finding: &serde_json::Value| {
        finding["advice"]
            .as_str()
            .is_some_and(|advice| advice.starts_with("the syntax is valid in a newer PostgreSQL than"))
    };
    let newest = document["postgresql"].as_u64().expect("a major") >= 18;
    assert_eq!(
        findings.iter().map(advised).collect::<Vec<_>>(),
        if newest { vec![false] } else { vec![true, false] },
        "{document:#}"
    );
    assert_eq!(findings.last().expect("one")["at"]["line"], 2);
}

#[test]
fn the_document_describes_the_rules_that_were_violated() {
    let files = directory(&[("1.sql", "CREATE TABLE IF NOT EXISTS t (a int);\nINSERT INTO t VALUES (1);\n")]);
    let ended = audit(&files, &[".", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a document");
    assert_eq!(document["findings"][0]["rule"], "again", "{document:#}");
    assert_eq!(document["findings"][0]["severity"], "warning", "{document:#}");
    let rules = document["rules"].as_array().expect("rules");
    assert_eq!(rules.iter().map(|rule| &rule["id"]).collect::<Vec<_>>(), ["again"]);
    assert_eq!(rules[0]["shortDescription"]["text"], "Running the files again fails or changes the database.");
    assert_eq!(rules[0]["help"]["text"], document["findings"][0]["advice"]);
    assert_eq!(rules[0]["defaultConfiguration"]["level"], "warning");
    assert!(rules[0]["helpUri"].as_str().is_some_and(|uri| uri.ends_with("/docs/audit.md#again")), "{document:#}");
}

#[test]
fn a_directory_without_migrations() {
    audit(&directory(&[("readme.txt", "")]), &["."]).demand(2, &["holds no migration"]);
    audit(&directory(&[]), &["nowhere"]).demand(2, &["no such file or directory: nowhere"]);
}

#[test]
fn files_are_run_as_their_tool_runs_them() {
    let index = "-- migrate:up\nCREATE TABLE t (a int);\nCREATE INDEX CONCURRENTLY t_a ON t (a);\n-- migrate:down\nDROP TABLE t;\n";
    audit(&directory(&[("1_a.sql", index)]), &["."])
        .demand(1, &["1_a.sql:3:1: error (applies)", "25001", "a file of its own that opts out"]);
    let alone = index.replace("CREATE TABLE t (a int);\n", "").replace("migrate:up", "migrate:up transaction:false");
    let table = "-- migrate:up\nCREATE TABLE t (a int);\n-- migrate:down\nDROP TABLE t;\n";
    let two = directory(&[("1_a.sql", table), ("2_b.sql", &alone.replace("DROP TABLE t", "DROP INDEX t_a"))]);
    audit(&two, &["."]).demand(0, &["no findings", "rollback  2 down migrations  hold"]);
}

#[test]
fn a_failed_commit_is_reported_and_the_rest_is_applied() {
    let sql = "BEGIN;\nCREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (1);\nCOMMIT;\nCREATE TABEL x;\n";
    audit(&directory(&[("1.sql", sql)]), &["."]).demand(
        1,
        &[
            "1.sql:5:1: error (applies)",
            "23503",
            "1.sql:6:8: error (applies)",
            "applies  6 statements  6 violate it",
            "findings: 2",
        ],
    );
}
