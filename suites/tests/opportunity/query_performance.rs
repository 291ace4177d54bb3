//! Section 7: in a database with rows and exact statistics, the plans of the schema's queries use the intended indexes,
//! and would differ without them.

use pgproof::fixture::Planning;
use pgproof::prelude::*;
use rstest::rstest;

use crate::opportunity_planning;

#[rstest]
#[case("metrics_by_containment", "idx_opportunity_metrics_metrics_jsonb")]
#[case("latest_metrics_of_opportunity", "idx_opportunity_metrics_opportunity")]
#[case("tasks_by_priority", "idx_lead_tasks_status_priority")]
#[case("tasks_of_opportunity", "idx_lead_tasks_opportunity")]
#[case("hypothesis_of_the_day", "uq_opportunity_hypotheses_niche_city_state_day")]
#[case("hypotheses_of_niche", "uq_opportunity_hypotheses_niche_city_state_day")]
#[case("latest_opportunities", "idx_opportunities_status_analyzed_at")]
#[case("latest_analysis_of_hypothesis", "uq_opportunities_hypothesis_version")]
#[case("opportunity_with_hypothesis", "opportunities_pkey")]
#[case("opportunities_of_niche", "uq_opportunities_hypothesis_version")]
#[case("threshold_of_metric", "idx_opportunity_thresholds_environment")]
#[case("next_newsletters", "idx_newsletter_issues_status_target")]
#[case("newsletters_of_opportunity", "idx_newsletter_issues_opportunity")]
#[case("latest_runs", "idx_opportunity_runs_started_at")]
#[case("runs_of_hypothesis", "idx_opportunity_runs_hypothesis")]
#[case("latest_stages", "idx_orchestrator_run_log_started_at")]
#[case("stages_of_hypothesis", "idx_orchestrator_run_log_hypothesis_id")]
#[case("latest_logs", "idx_etl_logs_created_at")]
#[case("logs_of_run", "idx_etl_logs_run_id")]
#[case("revenue_of_opportunity", "idx_lead_transactions_opportunity")]
#[case("transactions_of_partner", "idx_lead_transactions_partner")]
fn a_query_needs_its_index(#[from(opportunity_planning)] mut db: Planning, #[case] query: &str, #[case] index: &str) {
    let claim = db.query(query).uses_index(index);
    db.check(claim);
}

/// A partial index serves only a query with a matching condition; for a status that most rows have, an index is no
/// help.
#[rstest]
#[case("open_tasks_of_assignee", "idx_lead_tasks_assigned_open")]
#[case("blocked_hypotheses", "idx_opportunity_hypotheses_status")]
fn an_index_for_a_few_rows(#[from(opportunity_planning)] mut db: Planning, #[case] query: &str, #[case] index: &str) {
    let claim = db.query(query).uses_index(index).for_the_example();
    db.check(claim);
}

#[rstest]
fn thresholds_are_read_without_their_table(#[from(opportunity_planning)] mut db: Planning) {
    let claim = db.query("thresholds_of_environment").index_only("idx_opportunity_thresholds_environment");
    db.check(claim);
}

#[rstest]
fn lists_come_in_order(
    #[from(opportunity_planning)] mut db: Planning,
    #[values(
        "tasks_by_priority",
        "latest_opportunities",
        "thresholds_of_environment",
        "next_newsletters",
        "latest_runs",
        "latest_stages",
        "latest_logs",
        "hypotheses_of_niche"
    )]
    query: &str,
) {
    let claim = db.query(query).no_sort();
    db.check(claim);
}

#[rstest]
fn one_opportunity_is_found_without_reading_any_table_whole(
    #[from(opportunity_planning)] mut db: Planning,
    #[values("opportunities", "lead_tasks", "lead_transactions", "opportunity_metrics")] table: &str,
) {
    let claim = db.query("opportunity_dashboard").uses_only_indexes_of(table);
    db.check(claim);
    let claim = db.query("opportunity_dashboard").never_scans(table);
    db.check(claim);
}

/// The work list stays fast however long it grows.
#[rstest]
#[case("tasks_by_priority", "idx_lead_tasks_status_priority", "lead_tasks", 1_000)]
#[case("metrics_by_containment", "idx_opportunity_metrics_metrics_jsonb", "opportunity_metrics", 4_000)]
fn an_index_is_used_at_any_size(
    #[from(opportunity_planning)] mut db: Planning,
    #[case] query: &str,
    #[case] index: &str,
    #[case] table: &str,
    #[case] rows: u64,
) {
    let claim = db.query(query).uses_index_from(index, table, rows).to_rows(50_000_000);
    db.check(claim);
}
