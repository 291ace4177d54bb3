//! Section 7: the plans of the schema's queries name the indexes that were made for them.

use pgproof_assertions::prelude::*;
use rstest::rstest;

use crate::opportunity;

const ID: &str = "'00000000-0000-4000-8000-000000000001'";

#[rstest]
#[case::metrics_by_containment(
    "SELECT * FROM opportunity_metrics WHERE metrics @> '{\"reviews\": {\"count\": 12}}'",
    "idx_opportunity_metrics_metrics_jsonb"
)]
#[case::open_tasks_by_priority(
    "SELECT * FROM lead_tasks WHERE status = 'pending' ORDER BY contact_priority DESC LIMIT 20",
    "idx_lead_tasks_status_priority"
)]
#[case::open_tasks_of_somebody(
    "SELECT * FROM lead_tasks WHERE assigned_to = 'ann' AND status IN ('pending', 'in_progress')",
    "idx_lead_tasks_assigned_open"
)]
#[case::hypotheses_by_status(
    "SELECT * FROM opportunity_hypotheses WHERE status = 'ready_for_review'",
    "idx_opportunity_hypotheses_status"
)]
#[case::hypothesis_of_the_day(
    "SELECT * FROM opportunity_hypotheses WHERE niche = 'roofing' AND city = 'Austin' AND state = 'TX' AND created_on = '2025-10-25'",
    "uq_opportunity_hypotheses_niche_city_state_day"
)]
#[case::latest_opportunities(
    "SELECT * FROM opportunities WHERE status = 'validated' ORDER BY analyzed_at DESC LIMIT 20",
    "idx_opportunities_status_analyzed_at"
)]
#[case::thresholds_without_the_table(
    "SELECT metric, threshold_value, mandatory FROM opportunity_thresholds WHERE environment = 'production' ORDER BY metric",
    "idx_opportunity_thresholds_environment"
)]
#[case::next_newsletters(
    "SELECT * FROM newsletter_issues WHERE status = 'scheduled' ORDER BY publish_target_date LIMIT 10",
    "idx_newsletter_issues_status_target"
)]
#[case::latest_runs(
    "SELECT * FROM opportunity_runs ORDER BY started_at DESC LIMIT 20",
    "idx_opportunity_runs_started_at"
)]
#[case::latest_stages(
    "SELECT * FROM orchestrator_run_log ORDER BY started_at DESC LIMIT 20",
    "idx_orchestrator_run_log_started_at"
)]
#[case::latest_logs("SELECT * FROM etl_logs ORDER BY created_at DESC LIMIT 50", "idx_etl_logs_created_at")]
fn the_plan_of(#[from(opportunity)] mut db: Sandbox, #[case] sql: &str, #[case] index: &str) {
    db.check(query(sql).uses_index(index));
}

/// Without an index on the referencing column, every delete of a parent reads the whole child.
#[rstest]
#[case("opportunity_runs", "hypothesis_id", "idx_opportunity_runs_hypothesis")]
#[case("opportunities", "hypothesis_id", "uq_opportunities_hypothesis_version")]
#[case("opportunity_metrics", "opportunity_id", "idx_opportunity_metrics_opportunity")]
#[case("newsletter_issues", "opportunity_id", "idx_newsletter_issues_opportunity")]
#[case("lead_tasks", "opportunity_id", "idx_lead_tasks_opportunity")]
#[case("lead_transactions", "opportunity_id", "idx_lead_transactions_opportunity")]
#[case("lead_transactions", "partner_id", "idx_lead_transactions_partner")]
#[case("orchestrator_run_log", "hypothesis_id", "idx_orchestrator_run_log_hypothesis_id")]
#[case("etl_logs", "run_id", "idx_etl_logs_run_id")]
fn rows_of_a_parent(
    #[from(opportunity)] mut db: Sandbox,
    #[case] name: &str,
    #[case] column: &str,
    #[case] index: &str,
) {
    db.check(query(format!("SELECT * FROM {name} WHERE {column} = {ID}")).uses_index(index));
}
