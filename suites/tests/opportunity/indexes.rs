//! Section 3: every index as promised: method, columns and their order, uniqueness, predicate, INCLUDE.

use pgproof::assertions::count::Counted;
use pgproof::prelude::*;
use rstest::rstest;

use crate::opportunity;

#[rstest]
fn indexes_of(
    #[from(opportunity)] mut db: Sandbox,
    #[values(
        "orchestrator_run_log",
        "opportunity_hypotheses",
        "opportunity_runs",
        "opportunities",
        "opportunity_metrics",
        "newsletter_issues",
        "lead_tasks",
        "lead_transactions",
        "opportunity_thresholds",
        "etl_logs"
    )]
    name: &str,
) {
    let indexes = picked(&db, "indexes.csv", |index: &IndexLine| index.table == name);
    db.check_all(indexes.iter().map(IndexLine::assertion));
}

#[rstest]
fn documents_have_a_gin_index(#[from(opportunity)] mut db: Sandbox) {
    db.check(index("idx_opportunity_metrics_metrics_jsonb").on("opportunity_metrics", ["metrics"]).method("gin"));
}

#[rstest]
fn work_lists_have_a_composite_index(#[from(opportunity)] mut db: Sandbox) {
    db.check(index("idx_lead_tasks_status_priority").on("lead_tasks", ["status", "contact_priority DESC"]));
}

#[rstest]
fn fifteen_indexes_or_more(#[from(opportunity)] mut db: Sandbox) {
    db.check(schema().has_at_least(15, Counted::Indexes));
}
