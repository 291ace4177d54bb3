//! Plan snapshots and their review: changed, missing and orphaned plans are refuted, pending files are used only by the
//! review, and only the review accepts plans.

use rstest::rstest;

use crate::project::{Ended, Project};

const TABLES: &str = "sql/opportunity/002_opportunity_tables.sql";
const SNAPSHOTS: &str = "snapshots/opportunity";

/// Verifies plans only.
fn plans(project: &Project) -> Ended {
    project.run(&["verify", "--filter", "plans::"])
}

/// Removes the index that is created by the statement `sql`.
fn without(sql: &str) -> Project {
    let project = Project::new();
    project.edit(TABLES, sql, "");
    project
}

#[rstest]
#[case(
    "CREATE INDEX IF NOT EXISTS idx_lead_tasks_status_priority ON lead_tasks (status, contact_priority DESC);",
    "index idx_lead_tasks_status_priority is no longer used"
)]
#[case(
    "CREATE INDEX IF NOT EXISTS idx_opportunity_metrics_metrics_jsonb ON opportunity_metrics USING gin (metrics);",
    "index idx_opportunity_metrics_metrics_jsonb is no longer used"
)]
#[case(
    "CREATE INDEX IF NOT EXISTS idx_lead_transactions_partner ON lead_transactions (partner_id);",
    "index idx_lead_transactions_partner is no longer used"
)]
fn a_lost_index_is_reported(#[case] index: &str, #[case] words: &str) {
    plans(&without(index)).demand(1, &[words, "is read whole now, all ", "estimated cost: "]);
}

#[test]
fn an_unrelated_index_changes_nothing() {
    let project = Project::new();
    std::fs::write(
        project.path("sql/opportunity/005_more.sql"),
        "CREATE INDEX idx_lead_transactions_notes ON lead_transactions (notes);\n",
    )
    .unwrap();
    plans(&project).demand(0, &[]);
}

#[test]
fn a_missing_and_an_orphaned_plan_are_refuted() {
    let project = Project::new();
    let path = |name: &str| project.path(&format!("{SNAPSHOTS}/{name}"));
    std::fs::rename(path("latest_runs.snap"), path("nobodys.snap")).unwrap();
    plans(&project).demand(
        1,
        &["query latest_runs has the accepted plan", "there is no accepted plan", "without a query: nobodys.snap"],
    );
}

#[test]
fn ci_leaves_no_pending_plan() {
    let project = Project::new();
    std::fs::remove_file(project.path(&format!("{SNAPSHOTS}/latest_runs.snap"))).unwrap();
    let output = project.pgproof(&["verify", "--filter", "plans::"]).env("CI", "true").output().unwrap();
    Ended::of(&output).demand(1, &["there is no accepted plan"]);
    assert!(!project.path(&format!("{SNAPSHOTS}/latest_runs.snap.new")).exists());
}

#[test]
fn the_review_accepts_and_rejects_by_flag() {
    let project = Project::new();
    project.edit(
        TABLES,
        "CREATE INDEX IF NOT EXISTS idx_lead_transactions_partner ON lead_transactions (partner_id);",
        "",
    );
    project.edit(
        TABLES,
        "CREATE INDEX IF NOT EXISTS idx_opportunity_runs_hypothesis ON opportunity_runs (hypothesis_id);",
        "",
    );
    project.edit(TABLES, "CREATE INDEX IF NOT EXISTS idx_lead_tasks_opportunity ON lead_tasks (opportunity_id);", "");
    plans(&project).demand(1, &[]);
    let snapshot = |name: &str| std::fs::read_to_string(project.path(&format!("{SNAPSHOTS}/{name}"))).ok();
    let before = snapshot("runs_of_hypothesis.snap");
    let pending = snapshot("transactions_of_partner.snap.new").expect("a pending plan");

    project.run(&["review", "--markdown"]).demand(
        0,
        &[
            "plans have changed",
            "**opportunity: transactions_of_partner**",
            "- index idx_lead_transactions_partner is no longer used",
            "```diff",
        ],
    );
    project.run(&["review"]).demand(1, &["changes still pending; use --accept QUERY"]);
    project.run(&["review", "--accept", "nobody"]).demand(2, &["no pending change of query nobody"]);
    project
        .run(&["review", "--accept", "transactions_of_partner", "--reject", "runs_of_hypothesis"])
        .demand(1, &["accepted transactions_of_partner", "rejected runs_of_hypothesis"]);
    assert_eq!(snapshot("transactions_of_partner.snap"), Some(pending));
    assert_eq!(snapshot("runs_of_hypothesis.snap"), before);
    assert_eq!(snapshot("runs_of_hypothesis.snap.new"), None);

    project.run(&["review", "--accept-all", "--this-major"]).demand(0, &["accepted tasks_of_opportunity"]);
    let files = std::fs::read_dir(project.path(SNAPSHOTS)).unwrap().flatten();
    assert!(
        files
            .map(|file| file.file_name().to_string_lossy().into_owned())
            .any(|f| f.starts_with("tasks_of_opportunity@"))
    );
    // The rejected plan is still what PostgreSQL does, so it is pending again.
    project.run(&["review"]).demand(1, &["opportunity: runs_of_hypothesis", "1 of 1 changes still pending"]);
    project.run(&["review", "--accept-all"]).demand(0, &["accepted runs_of_hypothesis"]);
    project.run(&["review"]).demand(0, &["no plan changes are pending: every query was planned again"]);
}

#[test]
fn a_review_that_cannot_plan_says_so() {
    let project = Project::new();
    let query = project.path("fixtures/opportunity/queries/latest_runs.sql");
    let text = std::fs::read_to_string(&query).unwrap();
    std::fs::write(&query, text.replace("FROM", "FROM no_such_table,")).unwrap();
    project.run(&["review"]).demand(2, &["the queries of opportunity cannot be planned", "42P01 undefined_table"]);
}

#[test]
fn plans_of_other_sizes_are_shown() {
    let project = Project::new();
    let sizes = ["plan", "opportunity", "logs_of_run", "--rows", "etl_logs=50_000_000"];
    project
        .run(&sizes)
        .demand(0, &["== logs_of_run", "Index Cond".to_lowercase().as_str(), "etl_logs with 50000000 rows"]);
    project.run(&["plan", "opportunity", "nothing"]).demand(2, &["no such query: nothing"]);
    project.run(&["plan", "opportunity", "--rows", "nothing=5"]).demand(2, &["table nothing has no rows"]);
}

#[rstest]
#[case("-- $1 uuid = ", "-- $1 uuid: ", "logs_of_run.sql:2: a parameter is written: -- $1 TYPE = EXAMPLE")]
#[case("run_id = $1", "run_id = $2", "logs_of_run.sql:1: $1 is declared and not used")]
fn a_malformed_query_is_an_error(#[case] from: &str, #[case] to: &str, #[case] message: &str) {
    let project = Project::new();
    project.edit("fixtures/opportunity/queries/logs_of_run.sql", from, to);
    plans(&project).demand(2, &[message]);
}

#[test]
fn a_planning_table_that_does_not_exist_is_named() {
    let project = Project::new();
    project.edit("pgproof.toml", "etl_logs.rows", "etl_log.rows");
    plans(&project).demand(2, &["names table etl_log, which does not exist; did you mean etl_logs?"]);
}
