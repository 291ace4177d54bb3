//! The tables of expectations in `fixtures/opportunity`, as rows.

use pgproof_assertions::prelude::*;
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

/// A line of `columns.csv`.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the columns of the file")]
pub struct Column {
    pub table: String,
    pub column: String,
    #[serde(rename = "type")]
    pub ty: String,
    pub not_null: bool,
    pub default: Option<String>,
}

/// A line of `accepted_values.csv`.
#[derive(Debug, Deserialize)]
pub struct AcceptedValues {
    pub table: String,
    pub column: String,
    pub constraint: String,
    pub values: String,
}

/// A line of `foreign_keys.csv`.
#[derive(Debug, Deserialize)]
pub struct ForeignKey {
    pub table: String,
    pub column: String,
    pub references: String,
    pub referenced_column: String,
    pub on_delete: Action,
    pub constraint: String,
}

/// A line of `indexes.csv`; lists are separated by semicolons.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the columns of the file")]
pub struct Index {
    pub index: String,
    pub table: String,
    pub method: String,
    pub unique: bool,
    pub keys: String,
    pub include: String,
    pub predicate: Option<String>,
}

/// The lines of a file that a condition picks; none is an error of the suite.
#[track_caller]
pub fn picked<T: serde::de::DeserializeOwned>(db: &Sandbox, file: &str, pick: impl Fn(&T) -> bool) -> Vec<T> {
    let rows: Vec<T> = expected(db, file).into_iter().filter(pick).collect();
    assert!(!rows.is_empty(), "{file} has no line for this test");
    rows
}
