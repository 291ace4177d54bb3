//! The schema snapshot: a difference is refuted for its object, with its place; only the review accepts it.

use rstest::rstest;

use crate::project::{Ended, Project};

const SNAPSHOT: &str = "snapshots/opportunity/schema.snap";

fn schema(project: &Project) -> Ended {
    project.run(&["verify", "--filter", "schema::"])
}

#[test]
fn a_difference_is_refuted_and_reviewed() {
    let project = Project::new();
    schema(&project).demand(0, &["proven: "]);
    let file = "sql/opportunity/005_later.sql";
    project.write(
        file,
        "ALTER TABLE lead_tasks\n    ALTER COLUMN status DROP DEFAULT;\n\
         GRANT SELECT ON etl_logs TO PUBLIC;\nCREATE SEQUENCE extra;\n\
         COMMENT ON TABLE opportunities IS NULL;\nALTER TABLE lead_tasks DROP COLUMN assigned_to;\n",
    );
    let ended = schema(&project);
    for (subject, found, line) in [
        ("column lead_tasks.status", "default is unset, accepted is 'pending'::text", 2),
        ("table etl_logs", "privileges is", 3),
        ("sequence extra", "it is not in the snapshot", 4),
        ("table opportunities", "comment is unset, accepted is The outcome of", 5),
    ] {
        let at = ended.stdout.find(&format!("  {subject} is as accepted in {SNAPSHOT}\n"));
        let at = at.unwrap_or_else(|| panic!("no {subject} in {}", ended.stdout));
        let block: String = ended.stdout[at..].lines().take(5).collect::<Vec<_>>().join("\n");
        assert!(block.contains(found) && block.contains(&format!("defined at {file}:{line}:")), "{block}");
    }
    // What several objects show of one fault is said once.
    let at =
        ended.stdout.find(&format!("3 assertions of opportunity in 1 test, at one place\n    defined at {file}:6:"));
    let block = at.map(|at| ended.stdout[at..].lines().take(12).collect::<Vec<_>>().join("\n")).unwrap_or_default();
    assert!(block.contains("  table lead_tasks is as accepted"), "{}", ended.stdout);
    assert!(block.contains("  column lead_tasks.assigned_to is as accepted"), "{}", ended.stdout);
    project.run(&["review"]).demand(
        1,
        &[
            "opportunity: schema",
            "the schema has changed",
            "-   default: 'pending'::text",
            "+ sequence extra",
            "1 of 1 changes still pending",
        ],
    );
    project.run(&["review", "--accept-all"]).demand(0, &["accepted schema"]);
    schema(&project).demand(0, &["proven: "]);
}

/// Each fault is on line 2, and what is changed later is accepted or concerns something else.
#[rstest]
#[case::constraint_renamed(
    "ALTER TABLE opportunity_hypotheses RENAME CONSTRAINT chk_opportunity_hypotheses_status TO renamed;",
    "constraint opportunity_hypotheses.renamed"
)]
#[case::index_renamed("ALTER INDEX idx_opportunity_thresholds_environment RENAME TO renamed;", "index renamed")]
#[case::column_renamed("ALTER TABLE etl_logs RENAME COLUMN severity TO renamed;", "column etl_logs.renamed")]
#[case::order_of_columns("ALTER TABLE etl_logs RENAME COLUMN severity TO renamed;", "table etl_logs")]
#[case::column_added("ALTER TABLE etl_logs ADD COLUMN extra int;", "table etl_logs")]
#[case::table_renamed("ALTER TABLE etl_logs RENAME TO renamed;", "column renamed.severity")]
#[case::another_property_later(
    "ALTER TABLE etl_logs ALTER severity SET DEFAULT 'x';\nALTER TABLE etl_logs ALTER severity SET STATISTICS 9;\n\
     COMMENT ON COLUMN etl_logs.severity IS 'x';\nCOMMENT ON COLUMN etl_logs.severity IS NULL;",
    "column etl_logs.severity"
)]
#[case::key_of_a_renamed_table(
    "ALTER TABLE opportunities RENAME TO renamed;",
    "constraint lead_tasks.lead_tasks_opportunity_id_fkey"
)]
#[case::option_of_the_toast_table("ALTER TABLE etl_logs SET (toast.autovacuum_enabled = false);", "table etl_logs")]
#[case::schema_public("GRANT CREATE ON SCHEMA public TO pg_monitor;", "schema public")]
#[case::comment_on_public("COMMENT ON SCHEMA public IS 'x';", "schema public")]
#[case::comment_on_an_extension("COMMENT ON EXTENSION pgcrypto IS 'x';", "extension pgcrypto")]
#[case::use_of_public("REVOKE USAGE ON SCHEMA public FROM PUBLIC;", "schema public")]
fn a_difference_points_at_what_made_it(#[case] sql: &str, #[case] subject: &str) {
    let project = Project::new();
    project.write("sql/opportunity/005_later.sql", &format!("-- A change.\n{sql}\n"));
    let ended = project.run(&["verify", "--filter", "schema::", "--format", "json"]);
    ended.demand(1, &[]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let sections = report["schemas"][0]["sections"].as_array().expect("sections");
    let tests = sections.iter().flat_map(|section| section["tests"].as_array().expect("tests"));
    let mut evidence = tests.flat_map(|test| test["assertions"].as_array().expect("assertions"));
    let refuted = evidence.find(|e| e["subject"] == subject && e["outcome"] == "refuted");
    let refuted = refuted.unwrap_or_else(|| panic!("no {subject} in {}", ended.stdout));
    let place = (refuted["made_at"]["file"].as_str(), refuted["made_at"]["line"].as_u64());
    assert_eq!(place, (Some("sql/opportunity/005_later.sql"), Some(2)), "{refuted}");
}

#[test]
fn a_schema_that_was_never_accepted_is_one_error() {
    let project = Project::new();
    std::fs::remove_file(project.path(SNAPSHOT)).unwrap();
    let ended = schema(&project);
    ended.demand(
        2,
        &["there is no snapshots/opportunity/schema.snap; to accept the schema as it is: cargo xtask review"],
    );
    project.run(&["review", "--accept-all"]).demand(0, &["accepted schema"]);
    schema(&project).demand(0, &["proven: "]);
}

#[test]
fn a_line_that_is_no_snapshot_is_named() {
    let project = Project::new();
    project.append(SNAPSHOT, "nonsense\n");
    schema(&project).demand(2, &["after the header is no line of a schema snapshot"]);
}

#[test]
fn ci_leaves_no_pending_schema() {
    let project = Project::new();
    project.write("sql/opportunity/005_later.sql", "CREATE VIEW extra AS SELECT 1 AS one;\n");
    let output = project.pgproof(&["verify", "--filter", "schema::"]).env("CI", "true").output().unwrap();
    Ended::of(&output).demand(1, &["it is not in the snapshot"]);
    assert!(!project.path(&format!("{SNAPSHOT}.new")).exists());
}
