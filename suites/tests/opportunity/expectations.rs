//! The expectation tables in `fixtures/opportunity`, as rows.

use serde::Deserialize;

/// The ten tables.
pub const TABLES: [&str; 10] = [
    "orchestrator_run_log",
    "opportunity_hypotheses",
    "opportunity_runs",
    "opportunities",
    "opportunity_metrics",
    "newsletter_issues",
    "lead_tasks",
    "lead_transactions",
    "opportunity_thresholds",
    "etl_logs",
];

/// A line of `accepted_values.csv`.
#[derive(Debug, Deserialize)]
pub struct AcceptedValues {
    pub table: String,
    pub column: String,
    pub constraint: String,
    pub values: String,
}
