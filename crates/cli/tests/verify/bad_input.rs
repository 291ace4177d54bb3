//! Bad input exits with 2 and one clear message; a filter that matches nothing exits with 3.

use rstest::rstest;

use crate::project::Project;

#[test]
fn no_sql_directory() {
    let project = Project::new();
    std::fs::remove_dir_all(project.path("sql")).unwrap();
    project.run(&["verify"]).demand(
        2,
        &[
            "cannot read the migrations in sql/opportunity; `migrations` in pgproof.toml names that directory",
            "No such file",
        ],
    );
}

#[test]
fn a_malformed_configuration() {
    let project = Project::new();
    project.edit("pgproof.toml", "rollback = \"sql", "rolback = \"sql");
    let line = project.line_of("pgproof.toml", "rolback");
    project
        .run(&["verify"])
        .demand(2, &["pgproof.toml is malformed", &format!("line {line}"), "unknown field `rolback`"]);
}

/// The tables that subsystems read are read with the rest, whatever the command: nothing of them is needed here.
#[rstest]
#[case::rows("rows.orders.number = 7", "invalid type: integer `7`")]
#[case::plans("plans = { queries = \"q\", snapshots = \"s\", rols = \"r\" }", "unknown field `rols`")]
#[case::rerun("rerun.accepted = [{ object = \"tabel a\", reason = \"r\" }]", "did you mean \"table\"?")]
#[case::tenancy("tenancy = { role = \"r\", setting = \"s.t\", colum = \"c\" }", "unknown field `colum`")]
fn a_malformed_table_of_a_subsystem(#[case] line: &str, #[case] message: &str) {
    let suite = "{ package = \"suites\", test = \"shop\" }";
    let project = Project::with(&format!("[schemas.shop]\nmigrations = \"sql\"\nsuite = {suite}\n{line}\n"));
    project.write("sql/001.sql", "SELECT 1;\n");
    for command in [&["verify"][..], &["review"], &["plan", "shop"], &["audit", "sql"], &["doctor"]] {
        project.run(command).demand(2, &["pgproof.toml is malformed", "line 4", message]);
    }
}

#[test]
fn no_configuration() {
    let project = Project::new();
    std::fs::remove_file(project.path("pgproof.toml")).unwrap();
    project.run(&["verify"]).demand(2, &["no pgproof.toml in", "--config"]);
}

#[test]
fn an_unknown_schema() {
    Project::new().run(&["verify", "shop"]).demand(2, &["unknown schema \"shop\"", "defines opportunity"]);
}

#[rstest]
#[case("003-again.sql", "SELECT 1;", "two migrations have the number 3")]
#[case("006_late.sql", "SELECT 1;", "migration 5 is missing between")]
#[case("extra.sql", "SELECT 1;", "extra.sql has no number")]
#[case("005_empty.sql", "-- later\n", "005_empty.sql holds no statement")]
#[case("005_open.sql", "SELECT 'a;\n", "005_open.sql:1:8: the string that begins here is never closed")]
#[case("005_meta.sql", "SELECT 1;\n\\c other\n", "005_meta.sql:2:1: psql's \\c is not understood")]
#[case(
    "005_begin.sql",
    "BEGIN;\nSELECT 1;\n",
    "005_begin.sql:1:1: the transaction that begins here is never committed"
)]
fn a_bad_migration(#[case] name: &str, #[case] content: &str, #[case] message: &str) {
    let project = Project::new();
    std::fs::write(project.path(&format!("sql/opportunity/{name}")), content).unwrap();
    project.run(&["verify"]).demand(2, &[message]);
}

#[test]
fn a_migration_that_is_not_utf8() {
    let project = Project::new();
    std::fs::write(project.path("sql/opportunity/005_latin1.sql"), b"SELECT 1;\n-- caf\xe9\n").unwrap();
    project.run(&["verify"]).demand(2, &["005_latin1.sql:2: not UTF-8"]);
}

#[rstest]
#[case(
    "table,column,type,not_null,default\n",
    "table,colum,type,not_null,default\n",
    "columns.csv:2: missing field `column`"
)]
#[case("etl_logs,run_id,uuid,false,", "etl_logs,run_id,uuid,maybe,", "columns.csv:3: column not_null")]
fn a_fixture_that_cannot_be_read(#[case] from: &str, #[case] to: &str, #[case] message: &str) {
    let project = Project::new();
    project.edit("fixtures/opportunity/columns.csv", from, to);
    project.run(&["verify", "--filter", "columns::"]).demand(2, &[message, "could not be checked"]);
}

#[test]
fn a_seed_fixture_of_another_type() {
    let project = Project::new();
    project.edit("fixtures/opportunity/thresholds.csv", "review_velocity,10.0000", "review_velocity,ten");
    project
        .run(&["verify", "--filter", "threshold_data"])
        .demand(2, &["thresholds.csv:7: invalid input syntax for type numeric: \"ten\""]);
}

#[test]
fn no_postgresql_anywhere() {
    let project = Project::new();
    // A wrong setting is an error, even if a search would find binaries.
    let output = project.pgproof(&["verify"]).env("PGPROOF_BIN", "/nowhere").output().unwrap();
    crate::project::Ended::of(&output).demand(2, &["/nowhere contains no PostgreSQL", "correct PGPROOF_BIN"]);
}

#[test]
fn a_postgresql_that_is_too_old() {
    let project = Project::new();
    let bin = project.path("bin");
    std::fs::create_dir(&bin).unwrap();
    for program in ["postgres", "initdb"] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(bin.join(program), "#!/bin/sh\necho 'postgres (PostgreSQL) 12.22'\n").unwrap();
        std::fs::set_permissions(bin.join(program), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = project.pgproof(&["verify"]).env("PGPROOF_BIN", &bin).output().unwrap();
    crate::project::Ended::of(&output).demand(2, &["no PostgreSQL 14 or newer found, only:", "12.22 in "]);
}

#[test]
fn a_major_that_is_not_installed() {
    Project::new().run(&["verify", "--pg", "99"]).demand(2, &["no PostgreSQL 99 found, only:"]);
}

#[test]
fn a_filter_that_matches_nothing() {
    Project::new().run(&["verify", "--filter", "no_such_test"]).demand(3, &["no test matched, so nothing was proven"]);
}

#[test]
fn every_available_major() {
    let project = Project::new();
    let ended = project.run(&["verify", "--filter", "table_existence", "--pg", "all"]);
    ended.demand(0, &["proven: ", "no differences between these versions"]);
    project.run(&["verify", "--pg", "all", "--keep"]).demand(2, &["--keep leaves one server running"]);
    project
        .run(&["verify", "--pg", "newest"])
        .demand(2, &["expected a number, as in 16, or several, as in 14,16, or all"]);
}
