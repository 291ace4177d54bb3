//! What a transaction has touched: every change of it is seen by whoever reads only that.

use pgproof_catalog::{Baseline, Objects, Touched};
use pgproof_runner::CloneDatabase;
use rstest::rstest;

const BASE: &str = "CREATE TABLE t (a serial PRIMARY KEY, b text DEFAULT 'x');\nCOMMENT ON TABLE t IS 'x';\n\
                    CREATE VIEW v AS SELECT a FROM t;\nCREATE DOMAIN d AS int CHECK (VALUE > 0);\n\
                    CREATE TYPE e AS ENUM ('x');\nCREATE TYPE c AS (a int);\n\
                    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\nCOMMENT ON FUNCTION f() IS 'x';\n\
                    GRANT SELECT (a) ON t TO PUBLIC;\nCOMMENT ON DOMAIN d IS 'x';";

#[rstest]
#[case::table("ALTER TABLE t ADD COLUMN n int")]
#[case::table_that_is_gone("DROP TABLE t CASCADE")]
#[case::grant("GRANT SELECT ON t TO PUBLIC")]
#[case::grant_on_a_column("GRANT SELECT (b) ON t TO PUBLIC")]
#[case::revoke_on_a_column("REVOKE SELECT (a) ON t FROM PUBLIC")]
#[case::view("CREATE OR REPLACE VIEW v AS SELECT a + 0 AS a FROM t")]
#[case::comment("COMMENT ON COLUMN t.a IS 'y'")]
#[case::comment_that_is_gone("COMMENT ON TABLE t IS NULL")]
#[case::function("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'")]
#[case::comment_of_a_function_that_is_gone("COMMENT ON FUNCTION f() IS NULL")]
#[case::comment_of_a_schema("COMMENT ON SCHEMA public IS 'y'")]
#[case::comment_of_a_domain("COMMENT ON DOMAIN d IS 'y'")]
#[case::constraint_of_a_domain("ALTER DOMAIN d ADD CHECK (VALUE < 9)")]
#[case::domain_that_is_gone("DROP DOMAIN d")]
#[case::new_domain("CREATE DOMAIN new AS int")]
#[case::enum_with_another_value("ALTER TYPE e RENAME VALUE 'x' TO 'y'")]
#[case::enum_that_is_gone("DROP TYPE e")]
#[case::composite_type("ALTER TYPE c ADD ATTRIBUTE b int")]
#[case::composite_type_that_is_gone("DROP TYPE c")]
#[case::sequence("ALTER SEQUENCE t_a_seq INCREMENT 2")]
fn a_change_is_seen(#[case] change: &str) {
    let database = CloneDatabase::scratch().expect("a database");
    let mut session = database.session().expect("a session");
    session.run(BASE).expect("objects");
    let before = Baseline::read(&mut session).expect("a baseline");
    session.run("BEGIN; SAVEPOINT before").expect("a transaction");
    session.run(change).expect("a change");
    let touched = Touched::since(&mut session, &before).expect("what it touched");
    let now = Objects::of_touched(&mut session, &touched).expect("objects");
    session.run("ROLLBACK TO before").expect("as before");
    let was = Objects::of_touched(&mut session, &touched).expect("objects");
    assert!(!now.differences_from(&was).is_empty(), "{touched:?}");
}

#[test]
fn a_table_is_no_reason_to_read_everything_else() {
    let database = CloneDatabase::scratch().expect("a database");
    let mut session = database.session().expect("a session");
    session.run(BASE).expect("objects");
    let before = Baseline::read(&mut session).expect("a baseline");
    session.run("BEGIN; DROP TABLE t CASCADE; CREATE TABLE new (a int); COMMENT ON TABLE new IS 'x'").expect("changes");
    let touched = Touched::since(&mut session, &before).expect("what it touched");
    let objects = Objects::of_touched(&mut session, &touched).expect("objects");
    let relations: Vec<String> = objects.iter().map(|(object, _)| object.to_string()).collect();
    assert_eq!(relations, ["table new", "column new.a"]);
}

/// A number stays used up, so its sequence is reported even if the statement was undone.
#[test]
fn a_number_that_was_used_up() {
    let database = CloneDatabase::scratch().expect("a database");
    let mut session = database.session().expect("a session");
    session.run(BASE).expect("objects");
    let before = Baseline::read(&mut session).expect("a baseline");
    session.run("BEGIN").expect("a transaction");
    let nothing = Touched::since(&mut session, &before).expect("what it touched");
    assert_eq!((nothing.writes(), nothing.sequences()), (0, None));
    session.run("SAVEPOINT one; SELECT nextval('t_a_seq'); ROLLBACK TO one").expect("a number");
    let touched = Touched::since(&mut session, &before).expect("what it touched");
    assert!(touched.writes() == 0 && touched.sequences().is_some(), "{touched:?}");
}
