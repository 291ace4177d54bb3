//! Each error of a runbook's "Troubleshooting" and "Common Errors" that a statement can have: provoked on a server, and
//! answered with what to do about that statement.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

use pgproof_runner::CloneDatabase;
use pgproof_runner::migration::apply;
use pgproof_sql::{Transaction, discover};
use rstest::rstest;

/// What applying this file says.
fn failure(sql: &str) -> String {
    let root = tempfile::tempdir().expect("a directory");
    std::fs::write(root.path().join("1_a.sql"), sql).expect("a file");
    let found = discover(root.path(), root.path()).expect("a migration");
    let mut session = CloneDatabase::scratch().expect("a database").session().expect("a session");
    pgproof_sql::with_causes(&apply(&mut session, &found, Transaction::Statement).expect_err("a failure"))
}

const INSTALL: &str = "see which extensions the server has: SELECT * FROM pg_available_extensions";
const OWNER: &str = "only the owner of the object may do this";

/// SQL whose last statement fails, its SQLSTATE, and a part of the advice.
#[rstest]
#[case("CREATE EXTENSION no_such_extension", "0A000", INSTALL)]
#[case(
    "CREATE TABLE t (a int, b int, PRIMARY KEY (a)) PARTITION BY LIST (b)",
    "0A000",
    "must include every column of its partition key: add them"
)]
#[case(
    "CREATE TABLE t (a int, b int) PARTITION BY LIST (b); CREATE UNIQUE INDEX i ON t (a)",
    "0A000",
    "if the table is partitioned: a primary key"
)]
#[case(
    "CREATE TABLE t (a int, b int) PARTITION BY LIST (b); ALTER TABLE t ADD PRIMARY KEY (a)",
    "0A000",
    "if the table is partitioned: a primary key"
)]
#[case(
    "CREATE TABLE t (a int); SELECT a FROM t FOR UPDATE OF t FOR SHARE; CREATE VIEW v AS SELECT count(*) FROM t; SELECT * FROM (SELECT count(*) FROM t) x FOR UPDATE; SELECT count(*) FROM t FOR UPDATE",
    "0A000",
    "compare the version of the server with the documentation of SELECT"
)]
#[case(
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'no_such_library', 'f'",
    "58P01",
    "a library must be installed there"
)]
#[case(
    "ALTER EXTENSION \"uuid-ossp\" UPDATE",
    "42704",
    "the extension is not in this database: CREATE EXTENSION IF NOT EXISTS"
)]
#[case(
    "CREATE TABLE t (id uuid DEFAULT uuid_generate_v4())",
    "42883",
    "the extension uuid-ossp provides it: CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\""
)]
#[case(
    "SELECT public.gen_random_bytes(8)",
    "42883",
    "the extension pgcrypto provides it: CREATE EXTENSION IF NOT EXISTS \"pgcrypto\""
)]
#[case("CREATE TABLE t (mail citext)", "42704", "the extension citext provides it")]
#[case(
    "CREATE TABLE t (a text); CREATE INDEX i ON t USING gin (a gin_trgm_ops)",
    "42704",
    "the extension pg_trgm provides it"
)]
#[case(
    "CREATE TABLE t (); CREATE TABLE t ()",
    "42P07",
    "CREATE TABLE IF NOT EXISTS\n        or roll back just this step"
)]
#[case(
    "CREATE TABLE t (a int); CREATE INDEX i ON t (a); CREATE UNIQUE INDEX i ON t (a)",
    "42P07",
    "CREATE INDEX IF NOT EXISTS"
)]
#[case("CREATE VIEW v AS SELECT 1; CREATE VIEW v AS SELECT 1", "42P07", "CREATE OR REPLACE VIEW")]
#[case("CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN a int", "42701", "write ADD COLUMN IF NOT EXISTS")]
#[case("CREATE TABLE t (a int, a int)", "42701", "the statement names the column twice")]
#[case(
    "CREATE TABLE t (); CREATE POLICY p ON t; CREATE POLICY p ON t",
    "42710",
    "CREATE POLICY has no IF NOT EXISTS: write DROP POLICY IF EXISTS before it"
)]
#[case(
    "CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0)); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1)",
    "42710",
    "DROP CONSTRAINT IF EXISTS before ADD CONSTRAINT"
)]
#[case("CREATE TYPE e AS ENUM (); CREATE TYPE e AS ENUM ()", "42710", "a DO block that catches duplicate_object")]
#[case(
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "42723",
    "CREATE OR REPLACE FUNCTION"
)]
#[case("CREATE SCHEMA s; CREATE SCHEMA s", "42P06", "CREATE SCHEMA IF NOT EXISTS")]
#[case(
    "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)",
    "23505",
    "make the seed repeatable: ON CONFLICT"
)]
#[case(
    "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1); CREATE UNIQUE INDEX i ON t (a)",
    "23505",
    "find them with GROUP BY … HAVING count(*) > 1"
)]
#[case(
    "CREATE TABLE t (a int); INSERT INTO t VALUES (1); ALTER TABLE t ADD CHECK (a > 1)",
    "23514",
    "or add the constraint with NOT VALID"
)]
#[case(
    "CREATE SCHEMA s; SET ROLE pg_read_all_data; CREATE TABLE s.t ()",
    "42501",
    "GRANT ALL ON SCHEMA public TO the role"
)]
#[case("SET ROLE pg_read_all_data; CREATE EXTENSION citext", "42501", "GRANT CREATE ON DATABASE … TO the role")]
#[case("SET ROLE pg_read_all_data; CREATE SCHEMA s", "42501", "GRANT CREATE ON DATABASE … TO the role")]
#[case("CREATE TABLE t (); SET ROLE pg_read_all_data; ALTER TABLE t ADD a int", "42501", OWNER)]
#[case("CREATE TABLE t (); SET ROLE pg_read_all_data; DROP TABLE t", "42501", OWNER)]
#[case("CREATE TABLE t (); SET ROLE pg_read_all_data; COMMENT ON TABLE t IS 'x'", "42501", OWNER)]
#[case(
    "CREATE TABLE t (a int); SET ROLE pg_read_all_data; INSERT INTO t VALUES (1)",
    "42501",
    "if a policy rejected the row: set the tenant before"
)]
#[case("SET ROLE pg_read_all_data; SET session_replication_role = replica", "42501", "GRANT SET ON PARAMETER")]
#[case("SET statement_timeout = '20ms'; SELECT pg_sleep(5)", "57014", "SET statement_timeout = '5min'")]
#[case("SET app.tenant = ''; SELECT current_setting('app.tenant')::uuid", "22P02", "SET app.current_tenant_id = '…'")]
#[case("SELECT current_setting('app.tenant')::uuid", "42704", "SET app.current_tenant_id = '…'")]
#[case(
    "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int REFERENCES t); DROP TABLE t",
    "2BP01",
    "other objects depend on it"
)]
#[case("BEGIN; CREATE TABLE t (a int); CREATE INDEX CONCURRENTLY i ON t (a)", "25001", "move it to a file of its own")]
#[case("SET default_transaction_read_only = on; CREATE TABLE t ()", "25006", "connect to the primary")]
// No test fills a disk, or uses up all connections: the server raises what it would report.
#[case("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$", "53100", "check the storage quota")]
#[case("DO $$ BEGIN RAISE EXCEPTION 'slots' USING ERRCODE = '53300'; END $$", "53300", "close other sessions")]
fn a_failed_statement_has_advice_of_its_own(#[case] sql: &str, #[case] sqlstate: &str, #[case] advice: &str) {
    let said = failure(sql);
    assert!(said.contains(&format!("error {sqlstate} ")), "{said}");
    let (_, given) = said.split_once("advice: ").unwrap_or_default();
    assert!(given.contains(advice), "{said}");
    let speaks_of_extensions = given.contains("pg_available_extensions");
    assert_eq!(speaks_of_extensions, sql.starts_with("CREATE EXTENSION"), "{said}");
}

#[test]
fn a_value_that_stands_in_the_statement_is_no_unset_setting() {
    let said = failure("SELECT 'x'::uuid");
    assert!(said.contains("22P02") && !said.contains("advice"), "{said}");
}
