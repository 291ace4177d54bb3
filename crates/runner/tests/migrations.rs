//! Migrations against a real PostgreSQL: what is applied, which psql commands are supported, and what errors say.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

use std::path::Path;

use pgproof_runner::CloneDatabase;
use pgproof_runner::{migration::MigrationError, migration::apply};
use pgproof_sql::Transaction;
use pgproof_sql::{Migration, discover};

/// Writes these files and reads them as migrations.
fn migrations(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Vec<Migration>, MigrationError>) {
    let root = tempfile::tempdir().expect("a directory");
    for (name, content) in files {
        std::fs::write(root.path().join(name), content).expect("a file");
    }
    let found = discover(root.path(), root.path());
    (root, found.map_err(MigrationError::from))
}

/// Applies these files to an empty database: the value of `query` afterwards, or the error.
fn applied(transaction: Transaction, files: &[(&str, &str)], query: &str) -> Result<Option<String>, String> {
    let (_root, found) = migrations(files);
    let database = CloneDatabase::scratch().expect("a database");
    let mut session = database.session().expect("a session");
    let result = found.and_then(|migrations| apply(&mut session, &migrations, transaction));
    drop(session);
    match result {
        Ok(_) => Ok(database.session().expect("a session").value(query).expect("a value")),
        Err(error) => Err(pgproof_sql::with_causes(&error)),
    }
}

fn applied_one(content: &str, query: &str) -> Result<Option<String>, String> {
    applied(Transaction::Statement, &[("1_a.sql", content)], query)
}

#[test]
fn everything_that_real_migrations_contain_is_split_and_applied() {
    let content = r#"
\set ON_ERROR_STOP on
\echo 'a ; in a message'
\set greeting 'it''s'
/* a comment; /* nested; */ still one */
CREATE TABLE t (id int, "odd;name" text, note text); -- trailing ; comment
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $body$ BEGIN RETURN $$;$$ || 'x;'; END $body$;
CREATE FUNCTION g(n int) RETURNS int BEGIN ATOMIC
    SELECT CASE WHEN n > 0 THEN 1 ELSE 2 END;
    SELECT n;
END;
INSERT INTO t VALUES (1, E'back\'slash;', U&'d\0061t\+000061'), (2, 'two''s;', :'greeting');
CREATE RULE r AS ON UPDATE TO t DO ALSO (DELETE FROM t WHERE id = 99; DELETE FROM t WHERE id = 98);
COPY t (id, note) FROM stdin;
3	from copy; with a semicolon
4	\N
\.
DO $$ BEGIN INSERT INTO t VALUES (5, ':greeting', 'a::b'); END $$;
SELECT 1::int, '{1,2}'::int[] \g
CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (6); COMMIT; END $$;
CALL p();
INSERT INTO t VALUES (7)"#;
    let query = r#"SELECT count(*) || ' ' || string_agg("odd;name", '|' ORDER BY id) || ' ' || string_agg(note, '|' ORDER BY id) || ' ' || f() || g(1) FROM t"#;
    let expected = "7 back'slash;|two's;|:greeting data|it's|from copy; with a semicolon|a::b ;x;1";
    assert_eq!(applied_one(content, query), Ok(Some(expected.to_owned())));
}

#[test]
fn included_files_are_part_of_the_migration() {
    let root = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(root.path().join("parts")).expect("a directory");
    std::fs::write(root.path().join("parts/a.sql"), "CREATE TABLE a ();\n\\ir b.sql\n").expect("a file");
    std::fs::write(root.path().join("parts/b.sql"), "CREATE TABLE b (x nonsense);\n").expect("a file");
    std::fs::write(root.path().join("1_all.sql"), "\\i parts/a.sql\n").expect("a file");
    let found = discover(root.path(), root.path()).expect("migrations");
    let files: Vec<_> = found[0].statements.iter().map(|s| s.origin.to_string()).collect();
    assert_eq!(files, ["parts/a.sql:1:1", "parts/b.sql:1:1"]);
    let mut session = CloneDatabase::scratch().expect("a database").session().expect("a session");
    let error = apply(&mut session, &found, Transaction::Statement).expect_err("no such type").to_string();
    assert!(error.starts_with("parts/b.sql:1:19: CREATE TABLE failed"), "{error}");
}

#[test]
fn a_file_that_includes_itself_is_an_error() {
    let (_root, found) = migrations(&[("1_a.sql", "SELECT 1;\n\\ir 1_a.sql\n")]);
    let error = found.expect_err("endless").to_string();
    assert!(error.contains("1_a.sql:2:1: psql's \\ir is not understood: 1_a.sql includes itself"), "{error}");
}

#[test]
fn concurrent_indexes_are_created_outside_a_transaction() {
    let files = [("1_a.sql", "CREATE TABLE t (a int);\nCREATE INDEX CONCURRENTLY by_a ON t (a);")];
    let query = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_a'::regclass";
    for transaction in [Transaction::Statement, Transaction::File] {
        assert_eq!(applied(transaction, &files, query), Ok(Some("t".to_owned())));
    }
}

#[test]
fn a_setting_does_not_leak_into_the_next_file() {
    let files =
        [("1_a.sql", "CREATE SCHEMA s; SET search_path = s; CREATE TABLE a ();"), ("2_b.sql", "CREATE TABLE b ();")];
    let query = "SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY 1) FROM pg_tables WHERE tablename IN ('a', 'b')";
    let found = applied(Transaction::Statement, &files, &query.replace("ORDER BY 1", "ORDER BY tablename"));
    assert_eq!(found, Ok(Some("s.a public.b".to_owned())));
}

/// What is left of a file whose second statement fails.
#[test]
fn a_transaction_covers_a_statement_or_a_file() {
    for (transaction, left) in [(Transaction::Statement, "1"), (Transaction::File, "0")] {
        let (_root, found) = migrations(&[("1_a.sql", "CREATE TABLE t ();\nSELECT 1/0;")]);
        let database = CloneDatabase::scratch().expect("a database");
        let mut session = database.session().expect("a session");
        apply(&mut session, &found.expect("migrations"), transaction).expect_err("division by zero");
        drop(session);
        let count = "SELECT count(*) FROM pg_class WHERE relname = 't'";
        assert_eq!(database.session().expect("a session").value(count).expect("a count").as_deref(), Some(left));
    }
}

#[test]
fn a_failure_shows_place_condition_and_advice() {
    let content =
        "CREATE TABLE t (id int PRIMARY KEY);\n\nCREATE TABLE u (\n    id int,\n    ref int REFERENCES tt\n);\n";
    insta::assert_snapshot!(applied_one(content, "").expect_err("no such table"), @"
    1_a.sql:3:1: CREATE TABLE failed
    3 | CREATE TABLE u (
      | ^
    error 42P01 undefined_table: relation \"tt\" does not exist
    advice: the relation does not exist at this point: check the order of the migrations, the spelling and search_path
    ");
    insta::assert_snapshot!(applied_one("SELECT 1;\nSELECT a,\n       'é', b\nFROM (SELECT 1 AS a) q;\n", "").expect_err("no such column"), @"
    1_a.sql:3:13: SELECT failed
    2 | SELECT a,
    3 |        'é', b
      |             ^
    error 42703 undefined_column: column \"b\" does not exist
    ");
    insta::assert_snapshot!(applied_one("CREATE TABLE t ();\nCREATE TABLE t ();", "").expect_err("a duplicate"), @"
    1_a.sql:2:1: CREATE TABLE failed
    2 | CREATE TABLE t ();
      | ^
    error 42P07 duplicate_table: relation \"t\" already exists
    advice: it already exists: this migration, or a part of it, has run before; \\dt in psql shows what is there
            make the statement repeatable: CREATE TABLE IF NOT EXISTS
            or roll back just this step and run it again
    ");
}

#[test]
fn the_place_of_an_error_is_right_after_a_variable() {
    let error = applied_one("\\set name averylongname\nSELECT 1 AS :name, nothing;", "").expect_err("no such column");
    assert!(error.starts_with("1_a.sql:2:20: SELECT failed"), "{error}");
}

#[test]
fn an_unreadable_directory_is_named() {
    let error = discover(Path::new("/nowhere/sql"), Path::new("/nowhere")).expect_err("nothing there");
    assert!(error.to_string().starts_with("cannot read the migrations in sql;"), "{error}");
}
