//! The statement that last changed a row, whatever kind of statement it is.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use pgproof_catalog::RowHistory;
use pgproof_runner::CloneDatabase;
use pgproof_sql::{Migration, QualifiedName, Source, split};
use rstest::rstest;

const BASE: &str = "CREATE TABLE rates (code text PRIMARY KEY, rate numeric(5,2), day date DEFAULT '2024-05-01');\n\
                    CREATE TABLE other (id int);\n\
                    INSERT INTO rates (code, rate) VALUES ('a', 1), ('b', 2), ('it''s', 3);\n";

fn history(sql: &str) -> RowHistory {
    let source = Source { path: "1_a.sql".into(), shown: "1_a.sql".into(), text: sql.to_owned() };
    let statements = split(source, Path::new(".")).expect("statements");
    let database = CloneDatabase::scratch().expect("a database");
    RowHistory::of(&database, &[Migration { number: 1, file: "1_a.sql".into(), statements }]).expect("a history")
}

/// The line of the statement that last changed the row with these values.
#[track_caller]
fn line(history: &RowHistory, table: &str, values: &[(&str, &str)]) -> Option<u32> {
    let values: Vec<_> = values.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect();
    history.last_change(&QualifiedName::from(table), &values).map(|statement| statement.origin.line)
}

#[rstest]
#[case::nothing("SELECT 1;", 3)]
#[case::other_row("UPDATE rates SET rate = 9 WHERE code = 'b';", 3)]
#[case::other_table("INSERT INTO other VALUES (1);", 3)]
#[case::the_same_value("UPDATE rates SET rate = rate;", 3)]
#[case::column_added("ALTER TABLE rates ADD COLUMN note text DEFAULT 'x';", 3)]
#[case::column_dropped("ALTER TABLE rates DROP COLUMN day;", 3)]
#[case::column_renamed("ALTER TABLE rates RENAME COLUMN rate TO percent;", 3)]
#[case::updated("UPDATE rates SET rate = 9;", 4)]
#[case::deleted("DELETE FROM rates WHERE code = 'a';", 4)]
#[case::truncated("TRUNCATE rates;", 4)]
#[case::key_changed("UPDATE rates SET code = 'z' WHERE code = 'a';", 4)]
#[case::upsert("INSERT INTO rates VALUES ('a', 1) ON CONFLICT (code) DO UPDATE SET rate = 8;", 4)]
#[case::block("DO $$ BEGIN EXECUTE 'DELETE FROM rates'; END $$;", 4)]
#[case::type_changed("ALTER TABLE rates ALTER rate TYPE numeric(7,2) USING rate * 100;", 4)]
#[case::deleted_and_inserted("DELETE FROM rates WHERE code = 'a';\nINSERT INTO rates VALUES ('a', 1);", 5)]
#[case::in_a_transaction("BEGIN;\nUPDATE rates SET rate = 5;\nCOMMIT;", 5)]
#[case::table_dropped("DROP TABLE rates;\nCREATE TABLE rates (code text, rate int);", 4)]
fn the_last_change_of_a_row(#[case] more: &str, #[case] expected: u32) {
    let history = history(&format!("{BASE}{more}\n"));
    assert_eq!(line(&history, "public.rates", &[("code", "a")]), Some(expected));
}

#[test]
fn a_row_that_appears_or_never_was() {
    let history =
        history(&format!("{BASE}INSERT INTO rates VALUES ('c', 1);\nUPDATE rates SET code = 'd' WHERE code = 'b';\n"));
    assert_eq!(line(&history, "rates", &[("code", "c")]), Some(4));
    assert_eq!(line(&history, "rates", &[("code", "d")]), Some(5));
    assert_eq!(line(&history, "rates", &[("code", "it's"), ("rate", "3.00"), ("day", "2024-05-01")]), Some(3));
    assert_eq!(line(&history, "rates", &[("code", "never")]), None);
    assert_eq!(line(&history, "rates", &[]), Some(5));
    assert_eq!(line(&history, "other", &[]), None);
}

#[test]
fn a_table_under_another_name_and_a_partition() {
    let history = history(
        "CREATE TABLE was (id int);\nINSERT INTO was VALUES (1);\nALTER TABLE was RENAME TO now;\n\
         CREATE TABLE days (day date) PARTITION BY RANGE (day);\n\
         CREATE TABLE days_1 PARTITION OF days DEFAULT;\nINSERT INTO days VALUES ('2024-01-02');\n",
    );
    assert_eq!(line(&history, "now", &[("id", "1")]), Some(2));
    assert_eq!(line(&history, "days", &[("day", "2024-01-02")]), Some(6));
}

#[test]
fn of_a_table_with_many_rows_any_change_counts() {
    let history = history(
        "CREATE TABLE many (id int);\nINSERT INTO many SELECT generate_series(1, 5000);\n\
         DELETE FROM many WHERE id = 7;\nCREATE TABLE last (id int);\n",
    );
    assert_eq!(line(&history, "many", &[("id", "1")]), Some(3));
}

#[test]
fn the_session_is_left_as_it_was() {
    let history = history(
        "CREATE TABLE t (at text);\nSET timezone TO 'Asia/Tokyo';\nINSERT INTO t VALUES ('x');\n\
         INSERT INTO t VALUES (current_setting('timezone') || current_setting('search_path'));\n",
    );
    assert_eq!(line(&history, "t", &[("at", "Asia/Tokyo\"$user\", public")]), Some(4));
}
