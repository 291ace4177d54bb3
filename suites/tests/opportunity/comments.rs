//! Comments: every table has one, and 002 adds at least twenty.

use pgproof::assertions::count::Counted;
use pgproof::prelude::*;
use rstest::rstest;

use crate::expectations::TABLES;
use crate::opportunity;

#[rstest]
fn every_table_has_a_comment(#[from(opportunity)] mut db: Sandbox) {
    db.check_all(TABLES.map(|name| table(name).has_comment()));
}

#[rstest]
fn twenty_comments_or_more(#[from(opportunity)] mut db: Sandbox) {
    db.check(schema().has_at_least(20, Counted::Comments));
}

#[rstest]
#[case("orchestrator_run_log", "error")]
#[case("opportunity_hypotheses", "created_on")]
#[case("opportunity_metrics", "metrics")]
#[case("etl_logs", "metadata")]
fn columns_that_need_one_have_a_comment(
    #[from(opportunity)] mut db: Sandbox,
    #[case] name: &str,
    #[case] column: &str,
) {
    db.check(table(name).column(column).has_comment());
}
