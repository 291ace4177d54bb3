//! Section 5: JSONB columns accept valid documents and reject invalid ones.

use pgproof::prelude::*;
use rstest::rstest;

use crate::opportunity;

#[rstest]
#[case("orchestrator_run_log", "error")]
#[case("opportunities", "recommended_actions")]
#[case("opportunities", "top_targets")]
#[case("opportunity_metrics", "metrics")]
#[case("newsletter_issues", "subject_lines")]
#[case("newsletter_issues", "content")]
#[case("etl_logs", "metadata")]
fn documents_in(#[from(opportunity)] mut db: Sandbox, #[case] name: &str, #[case] column: &str) {
    let columns = picked(&db, "columns.csv", |c: &ColumnLine| c.table == name && c.column == column);
    assert_eq!(columns[0].ty, "jsonb");
    db.check(table(name).column(column).holds_documents());
}

#[rstest]
fn no_document_column_is_left_out(#[from(opportunity)] mut db: Sandbox) {
    let sql =
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND data_type LIKE 'json%'";
    db.check(query(sql).returns("7"));
}

/// The runbook's fourth query for manual verification.
#[rstest]
fn documents_are_searched_by_containment(#[from(opportunity)] mut db: Sandbox) {
    let mut rows = pgproof::row::RowGenerator::of(&mut db).unwrap();
    let metrics = pgproof::row::Value::text(r#"{"reviews": {"count": 12}, "tags": ["a", "b"]}"#);
    rows.insert(&mut db, "opportunity_metrics", &[("metrics", metrics)]).unwrap();
    for (document, found) in
        [(r#"{"reviews": {"count": 12}}"#, "1"), (r#"{"tags": ["b"]}"#, "1"), (r#"{"tags": ["c"]}"#, "0")]
    {
        db.check(
            query(format!("SELECT count(*) FROM opportunity_metrics WHERE metrics @> '{document}'")).returns(found),
        );
    }
}
