//! The layouts of other tools: which files are found, their order, which lines apply, and their down migrations.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use pgproof_sql::{Style, Variables, lay_out};
use rstest::rstest;

/// What a layout yields: style, the first statements with their locations, and the same for the down migrations.
fn laid_out(files: &[(&str, &str)]) -> (Style, Vec<String>, Vec<String>) {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    let layout = lay_out(directory.path(), None, &Variables::new()).expect("a layout");
    let told = |migrations: &[pgproof_sql::Migration]| {
        let first = |migration: &pgproof_sql::Migration| {
            let statement = &migration.statements[0];
            format!("{}:{} {}", migration.file.display(), statement.origin.line, statement.text)
        };
        migrations.iter().map(first).collect::<Vec<_>>()
    };
    (layout.style, told(&layout.migrations), told(&layout.rollbacks))
}

#[rstest]
#[case::files(
    Style::Files,
    &[("10_b.sql", "SELECT 2"), ("9_a.sql", "SELECT 1")],
    &["9_a.sql:1 SELECT 1", "10_b.sql:1 SELECT 2"],
    &[]
)]
#[case::supabase(
    Style::Files,
    &[("20240102000000_b.sql", "SELECT 2"), ("20240101000000_a.sql", "SELECT 1")],
    &["20240101000000_a.sql:1 SELECT 1", "20240102000000_b.sql:1 SELECT 2"],
    &[]
)]
#[case::flyway(
    Style::Flyway,
    &[("R__views.sql", "SELECT 3"), ("R__10_more.sql", "SELECT 4"), ("V1.10__b.sql", "SELECT 2"), ("V1.9__a.sql", "SELECT 1"), ("U1.9__a.sql", "SELECT -1")],
    &["V1.9__a.sql:1 SELECT 1", "V1.10__b.sql:1 SELECT 2", "R__10_more.sql:1 SELECT 4", "R__views.sql:1 SELECT 3"],
    &["U1.9__a.sql:1 SELECT -1"]
)]
#[case::up_and_down(
    Style::UpDown,
    &[("2_b.up.sql", "SELECT 2"), ("1_a.up.sql", "SELECT 1"), ("1_a.down.sql", "SELECT -1"), ("2_b.down.sql", "SELECT -2")],
    &["1_a.up.sql:1 SELECT 1", "2_b.up.sql:1 SELECT 2"],
    &["2_b.down.sql:1 SELECT -2", "1_a.down.sql:1 SELECT -1"]
)]
#[case::diesel(
    Style::Directories,
    &[("2024-01-10-000000_b/up.sql", "SELECT 2"), ("20240102000000_a/up.sql", "SELECT 1"), ("20240102000000_a/down.sql", "SELECT -1")],
    &["20240102000000_a/up.sql:1 SELECT 1", "2024-01-10-000000_b/up.sql:1 SELECT 2"],
    &["20240102000000_a/down.sql:1 SELECT -1"]
)]
#[case::prisma(
    Style::Prisma,
    &[("20240102000000_b/migration.sql", "SELECT 2"), ("20240101000000_a/migration.sql", "SELECT 1"), ("migration_lock.toml", "")],
    &["20240101000000_a/migration.sql:1 SELECT 1", "20240102000000_b/migration.sql:1 SELECT 2"],
    &[]
)]
#[case::goose(
    Style::Goose,
    &[("00001_a.sql", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\n\n-- +goose Down\nSELECT -1;\n")],
    &["00001_a.sql:3 SELECT 1"],
    &["00001_a.sql:7 SELECT -1"]
)]
#[case::dbmate(
    Style::Dbmate,
    &[("20240101_a.sql", "-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\nSELECT -1;\n")],
    &["20240101_a.sql:2 SELECT 1"],
    &["20240101_a.sql:4 SELECT -1"]
)]
#[case::sqitch(
    Style::Sqitch,
    &[
        ("sqitch.plan", "%syntax-version=1.0.0\n%project=x\n\nlater [first] 2024-01-01T00:00:00Z A <a@b> # x\n@v1 2024-01-01T00:00:00Z A <a@b> # tag\nfirst 2024-01-01T00:00:00Z A <a@b> # y\n"),
        ("deploy/first.sql", "BEGIN; SELECT 2; COMMIT;"), ("deploy/later.sql", "SELECT 1"), ("revert/later.sql", "SELECT -1"),
    ],
    &["deploy/later.sql:1 SELECT 1", "deploy/first.sql:1 BEGIN"],
    &["revert/later.sql:1 SELECT -1"]
)]
#[case::dbmate_written_otherwise(
    Style::Dbmate,
    &[("1_a.sql", "--migrate:up\nSELECT 1;\n--   migrate:down\nSELECT -1;\n")],
    &["1_a.sql:2 SELECT 1"],
    &["1_a.sql:4 SELECT -1"]
)]
#[case::sql_migrate(
    Style::SqlMigrate,
    &[("1_a.sql", "-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT -1;\n")],
    &["1_a.sql:2 SELECT 1"],
    &["1_a.sql:4 SELECT -1"]
)]
#[case::sqitch_with_a_change_that_was_reworked(
    Style::Sqitch,
    &[
        ("sqitch.plan", "%project=x\nf 2024-01-01T00:00:00Z A <a@b> # x\n@v1 2024-01-01T00:00:00Z A <a@b> # tag\ng 2024-01-01T00:00:00Z A <a@b>\nf [f@v1] 2024-01-01T00:00:00Z A <a@b> # y\n"),
        ("deploy/f@v1.sql", "SELECT 1"), ("deploy/g.sql", "SELECT 2"), ("deploy/f.sql", "SELECT 3"), ("revert/f.sql", "SELECT -3"),
    ],
    &["deploy/f@v1.sql:1 SELECT 1", "deploy/g.sql:1 SELECT 2", "deploy/f.sql:1 SELECT 3"],
    &["revert/f.sql:1 SELECT -3"]
)]
fn a_layout_is_recognised(
    #[case] style: Style,
    #[case] files: &[(&str, &str)],
    #[case] up: &[&str],
    #[case] down: &[&str],
) {
    let found = laid_out(files);
    assert_eq!(found.0, style);
    assert_eq!(
        (found.1, found.2),
        (up.iter().map(ToString::to_string).collect(), down.iter().map(ToString::to_string).collect())
    );
}

#[test]
fn an_order_that_is_given_and_values_of_variables() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name);
    std::fs::write(file("a.sql"), "SELECT :'who', ${count};").expect("a file");
    std::fs::write(file("b.sql"), "SELECT 1;").expect("a file");
    std::fs::write(file("order"), "# first\nb.sql\n\na.sql\n").expect("a file");
    let variables = Variables::from([("who".to_owned(), "me".to_owned()), ("count".to_owned(), "3".to_owned())]);
    let layout = lay_out(directory.path(), Some(&file("order")), &variables).expect("a layout");
    let texts: Vec<_> = layout.migrations.iter().map(|migration| migration.statements[0].text.as_str()).collect();
    assert_eq!(texts, ["SELECT 1", "SELECT 'me', 3"]);
}

#[test]
fn nothing_to_find_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let error = lay_out(directory.path(), None, &Variables::new()).expect_err("nothing").to_string();
    assert!(error.contains("holds no migration"), "{error}");
}

#[test]
fn a_way_back_in_an_unknown_layout_is_not_run() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["001.do.sql", "001.undo.sql"] {
        std::fs::write(directory.path().join(name), "SELECT 1").expect("a file");
    }
    let error = lay_out(directory.path(), None, &Variables::new()).expect_err("unknown").to_string();
    assert!(
        error.starts_with("001.undo.sql looks as if it took a migration back") && error.ends_with("--order"),
        "{error}"
    );
}
