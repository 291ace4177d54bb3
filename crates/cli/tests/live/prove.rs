//! `verify --database`: a database in use is proven as far as that goes without writing, each planted fault is refuted with
//! the object's name, and nothing is changed.

use rstest::rstest;
use serde_json::Value;

use crate::database::InUse;

const VERIFY: [&str; 3] = ["verify", "--database", "live"];

/// Only the comparison with the schema snapshot.
const SNAPSHOT: [&str; 5] = ["verify", "--database", "live", "--filter", "schema::"];

/// Rows such as the application stores.
const APPLICATION: &str = "INSERT INTO opportunity_hypotheses (niche, city, state)
    SELECT 'n' || i, 'c', 'TX' FROM generate_series(1, 300) i";

/// What every write would change: rows and their versions, the catalog, how far sequences have come, and PostgreSQL's own
/// counts of written rows.
fn state(live: &InUse) -> Vec<String> {
    const SEQUENCES: &str =
        "SELECT c.oid::regclass || (query_to_xml('SELECT * FROM ' || c.oid::regclass, true, true, '')::text)
        FROM pg_class c WHERE c.relkind = 'S'";
    const WRITTEN: &str = "SELECT tup_inserted || ' ' || tup_updated || ' ' || tup_deleted FROM pg_stat_database
        WHERE datname = current_database()";
    [live.state(), live.column(SEQUENCES), live.column(WRITTEN)].concat()
}

/// The sessions of its owner: those of these tests are the superuser's.
fn sessions(live: &InUse) -> Vec<String> {
    live.column(&format!("SELECT application_name FROM pg_stat_activity WHERE usename = '{}'", live.name))
}

/// Every record of a report.
fn records(document: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    for section in document["schemas"][0]["sections"].as_array().expect("sections") {
        for test in section["tests"].as_array().expect("tests") {
            found.extend(test["assertions"].as_array().expect("assertions"));
        }
    }
    found
}

#[rstest]
#[case("opportunity", APPLICATION)]
#[case("settler", "INSERT INTO tenants (name, slug) VALUES ('A', 'a')")]
fn a_database_in_use_is_proven_and_left_as_it_is(#[case] schema: &str, #[case] rows: &str) {
    let live = InUse::migrated_of(schema);
    live.superuser().run(rows).expect("rows");
    let before = state(&live);
    let scratch = tempfile::tempdir().expect("a directory");
    let mut command = live.project.pgproof(&[&VERIFY[..], &["--format", "json"]].concat());
    let ended = crate::project::Ended::of(&command.env("TMPDIR", scratch.path()).output().expect("pgproof runs"));
    ended.demand(0, &[]);
    assert_eq!(state(&live), before);
    assert_eq!(sessions(&live), Vec::<String>::new());
    let left: Vec<_> = std::fs::read_dir(scratch.path()).expect("a directory").collect();
    assert!(left.is_empty(), "{left:?}");

    let document: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let counts = &document["counts"];
    assert!(counts["proven"].as_u64() > Some(100) && counts["not_tried"].as_u64() > Some(20), "{counts}");
    assert_eq!((&counts["refuted"], &counts["error"]), (&0.into(), &0.into()));
    for evidence in records(&document) {
        assert_eq!(evidence["outcome"] == "not_tried", !evidence["not_tried"].is_null(), "{evidence}");
        assert!(evidence["outcome"] != "not_tried" || evidence["behavioural"] == false, "{evidence}");
    }
    let reasons = |reason: &str| records(&document).iter().filter(|one| one["not_tried"] == reason).count();
    assert!(reasons("writes") > 10 && reasons("own_database") > 5, "{counts}");
}

#[test]
fn what_was_not_tried_is_counted_and_listed() {
    let live = InUse::migrated();
    let ended = live.pgproof(&[&VERIFY[..], &["--filter", "cascade"]].concat());
    ended.demand(
        3,
        &[
            "opportunity in live (database live_",
            "not tried, because it writes: ",
            "nothing tried: ",
            "so nothing was proven",
        ],
    );
    let ended = live.pgproof(&[&VERIFY[..], &["--filter", "rerun"]].concat());
    ended.demand(
        3,
        &[
            "not tried, because it needs a database of its own: 5 (migrations 5)",
            "not tried, because it writes: 1 (migrations 1)",
        ],
    );
    live.pgproof(&[&VERIFY[..], &["--filter", "threshold_data"]].concat())
        .demand(0, &["proven: 4 of 4 assertions that were tried hold in 4 tests;"]);
}

#[rstest]
#[case::index("opportunity", "DROP INDEX idx_etl_logs_run_id", &["index idx_etl_logs_run_id is as accepted", "it does not exist"])]
#[case::default(
    "opportunity",
    "ALTER TABLE lead_tasks ALTER COLUMN status SET DEFAULT 'done'",
    &["column lead_tasks.status is as accepted", "default is 'done'::text"]
)]
#[case::missing_seed(
    "opportunity",
    "DELETE FROM opportunity_thresholds WHERE metric = 'review_velocity'",
    &["table opportunity_thresholds has the row (metric 'review_velocity'", "it does not exist, accepted is ("]
)]
#[case::changed_seed(
    "opportunity",
    "UPDATE opportunity_thresholds SET threshold_value = 99 WHERE metric = 'review_velocity'",
    &["table opportunity_thresholds has the row (metric 'review_velocity'", "threshold_value is 99.0000, accepted is 10.0000"]
)]
#[case::table("opportunity", "CREATE TABLE extra (x int)", &["table extra is as accepted", "it is not in the snapshot"])]
#[case::constraint(
    "opportunity",
    "ALTER TABLE opportunities DROP CONSTRAINT opportunities_hypothesis_id_fkey",
    &["constraint opportunities.opportunities_hypothesis_id_fkey", "it does not exist"]
)]
#[case::grant("opportunity", "GRANT SELECT ON etl_logs TO PUBLIC", &["table etl_logs is as accepted", "privileges is =r/OWNER"])]
#[case::policy(
    "settler",
    "DROP POLICY tenant_isolation_jobs ON jobs",
    &["policy jobs.tenant_isolation_jobs", "it does not exist"]
)]
#[case::function(
    "settler",
    "CREATE OR REPLACE FUNCTION cleanup_expired_revoked_tokens() RETURNS void LANGUAGE sql AS 'SELECT'",
    &["function cleanup_expired_revoked_tokens() is as accepted"]
)]
#[case::trigger("settler", "ALTER TABLE jobs DISABLE TRIGGER USER", &["trigger jobs.set_job_tenant_id is as accepted", "enabled is disabled, accepted is unset"])]
#[case::view(
    "settler",
    "DROP MATERIALIZED VIEW mv_reconciliation_summary_daily CASCADE;
     CREATE MATERIALIZED VIEW mv_reconciliation_summary_daily AS SELECT 1 AS one",
    &["materialized view mv_reconciliation_summary_daily is as accepted", "definition is "]
)]
fn a_planted_fault_is_refuted(#[case] schema: &str, #[case] fault: &str, #[case] said: &[&str]) {
    let live = InUse::migrated_of(schema);
    live.run(fault);
    let ended = live.pgproof(&SNAPSHOT);
    ended.demand(1, said);
    assert!(!ended.stdout.contains("xtask review"), "{}", ended.stdout);
    // A database in use is never what is to be accepted.
    assert!(!live.project.path(&format!("snapshots/{schema}/schema.snap.new")).exists());
}

#[test]
fn what_the_role_may_not_see_is_not_tried() {
    let live = InUse::migrated();
    live.run("ALTER TABLE opportunity_thresholds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
    live.pgproof(&SNAPSHOT).demand(
        1,
        &[
            "forced row security is enabled",
            "not tried, because the role that is logged in lacks a privilege for it: 7 (table 7)",
        ],
    );
}

#[rstest]
#[case(&["--keep"])]
#[case(&["--pg", "15"])]
#[case(&["--server", "local"])]
#[case(&["--shard", "1/2"])]
#[case(&["opportunity", "settler"])]
fn what_makes_no_sense_is_an_error(#[case] more: &[&str]) {
    InUse::migrated().pgproof(&[&VERIFY[..], more].concat()).demand(2, &["error"]);
}
