//! `drift`: none on an undisturbed database; each planted difference with object, property and place.

use rstest::rstest;

use crate::database::InUse;

#[test]
fn an_undisturbed_database_has_no_drift() {
    let live = InUse::migrated();
    let ended = live.pgproof(&["drift", "--database", "live"]);
    ended.demand(0, &["no drift: live (database live_", "as the migrations of opportunity make it"]);
}

#[rstest]
#[case(
    "ALTER TABLE etl_logs ALTER COLUMN severity DROP NOT NULL",
    "column etl_logs.severity: NOT NULL is false, expected true\n  made at sql/opportunity/004_runtime_logging.sql:"
)]
#[case("DROP INDEX idx_etl_logs_run_id", "index idx_etl_logs_run_id: is missing\n  made at sql/opportunity/004")]
#[case("CREATE INDEX hand_made ON etl_logs (severity)", "index hand_made: is not expected, but is there")]
#[case("ALTER TABLE etl_logs ADD COLUMN note text", "column etl_logs.note: is not expected, but is there")]
#[case(
    "ALTER TABLE lead_tasks ALTER COLUMN status SET DEFAULT 'done'",
    "column lead_tasks.status: default is 'done'::text"
)]
#[case(
    "GRANT SELECT ON etl_logs TO PUBLIC",
    "table etl_logs: privileges is =r/OWNER, OWNER=arwdDxt/OWNER, expected OWNER=arwdDxt/OWNER"
)]
#[case("COMMENT ON TABLE etl_logs IS 'x'", "table etl_logs: comment is x, expected")]
#[case("ALTER TABLE etl_logs ENABLE ROW LEVEL SECURITY", "table etl_logs: row security is enabled, expected disabled")]
#[case("ALTER DATABASE CURRENT SET statement_timeout = '5s'", "settings is statement_timeout=5s, expected none")]
#[case("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function f(): is not expected, but is there")]
#[case(
    "ALTER TABLE etl_logs ADD CONSTRAINT short CHECK (length(message) < 9)",
    "constraint etl_logs.short: is not expected, but is there"
)]
#[case(
    "ALTER TABLE lead_tasks DROP CONSTRAINT chk_lead_tasks_status",
    "constraint lead_tasks.chk_lead_tasks_status: is missing\n  made at sql/opportunity/002"
)]
#[case("DROP TABLE etl_logs", "table etl_logs: is missing\n  made at sql/opportunity/004")]
#[case("CREATE VIEW v AS SELECT 1 AS x", "view v: is not expected, but is there")]
#[case("CREATE SCHEMA extra", "schema extra: is not expected, but is there")]
#[case("CREATE SEQUENCE s", "sequence s: is not expected, but is there")]
#[case("CREATE TYPE mood AS ENUM ('good')", "enum mood: is not expected, but is there")]
#[case("DROP EXTENSION pgcrypto", "extension pgcrypto: is missing\n  made at sql/opportunity/001")]
#[case("ALTER ROLE CURRENT IN DATABASE CURRENT SET work_mem = '8MB'", "settings is OWNER: work_mem=8MB, expected none")]
#[case(
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER TABLE etl_logs SET (fillfactor = 50)",
    "table etl_logs: options is fillfactor=50, expected none"
)]
#[case("ALTER TABLE etl_logs ALTER COLUMN message SET STORAGE EXTERNAL", "column etl_logs.message: storage is")]
fn a_difference_is_found(#[case] sql: &str, #[case] said: &str) {
    let live = InUse::migrated();
    live.run(&sql.replace("CURRENT", &live.name));
    live.pgproof(&["drift", "--database", "live"]).demand(1, &[said, "in 1 place"]);
}

#[test]
fn another_owner_is_found() {
    let live = InUse::migrated();
    live.superuser().run("ALTER TABLE etl_logs OWNER TO postgres").expect("a superuser may");
    live.pgproof(&["drift", "--database", "live"]).demand(1, &["table etl_logs: owner is postgres, expected OWNER"]);
}

#[test]
fn a_difference_can_be_accepted_with_a_reason() {
    let live = InUse::migrated();
    live.run("CREATE INDEX hand_made ON etl_logs (severity)");
    let accepted = "[[databases.live.accepted]]\nobject = \"index hand_made\"\nreason = \"a report needs it\"\n\
                    [[databases.live.accepted]]\nobject = \"view *\"\nreason = \"there are none\"\n";
    live.project.append("pgproof.toml", accepted);
    live.pgproof(&["drift", "--database", "live"]).demand(
        0,
        &["accepted: index hand_made: is not expected", "because a report needs it", "view * accepted nothing"],
    );
    let ended = live.pgproof(&["drift", "--database", "live", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&document["drift"], &document["differences"][0]["object"]), (&false.into(), &"index hand_made".into()));
}

#[test]
fn two_databases_are_compared() {
    let (one, other) = (InUse::migrated(), InUse::migrated());
    other.run("DROP TABLE etl_logs");
    let ended = one.pgproof(&["drift", "--database", "live", "--between", &other.conninfo()]);
    ended.demand(1, &["table etl_logs: is not expected, but is there", "in 1 place"]);
}

#[test]
fn the_database_is_only_read() {
    let live = InUse::migrated();
    let state = "SELECT xmin::text || ctid FROM pg_class UNION ALL SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::text FROM pg_stat_user_tables ORDER BY 1";
    let before = live.column(state);
    live.pgproof(&["drift", "--database", "live"]).demand(0, &[]);
    assert_eq!(live.column(state), before);
}

#[rstest]
#[case(&["drift", "--database", "liv"], "no database \"liv\" in pgproof.toml: did you mean \"live\"?")]
#[case(&["drift", "--database", "host=/nowhere dbname=x"], "cannot connect to database x on /nowhere:5432")]
#[case(&["drift", "shoop", "--database", "live"], "unknown schema \"shoop\"")]
fn what_cannot_be_compared_is_an_error(#[case] arguments: &[&str], #[case] said: &str) {
    InUse::migrated().pgproof(arguments).demand(2, &[said]);
}
