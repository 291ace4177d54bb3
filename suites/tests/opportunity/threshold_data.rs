//! Section 4: the seven thresholds, with the values of the product requirements.

use pgproof::prelude::*;
use rstest::rstest;

use crate::opportunity;

#[rstest]
fn seven_thresholds(#[from(opportunity)] mut db: Sandbox) {
    db.check(query("SELECT count(*) FROM opportunity_thresholds WHERE environment = 'production'").returns("7"));
}

#[rstest]
fn their_values(#[from(opportunity)] mut db: Sandbox) {
    db.check(table("opportunity_thresholds").rows_equal("thresholds.csv").by(["metric", "environment"]));
}

#[rstest]
#[case(true, "6")]
#[case(false, "1")]
fn six_are_mandatory_and_one_is_optional(
    #[from(opportunity)] mut db: Sandbox,
    #[case] mandatory: bool,
    #[case] count: &str,
) {
    let sql = format!("SELECT count(*) FROM opportunity_thresholds WHERE mandatory = {mandatory}");
    db.check(query(sql).returns(count));
}
