//! Every column of every table: its type, whether it accepts NULL, and the value of a row that omits it.

use pgproof::prelude::*;
use rstest::rstest;

use crate::opportunity;

#[rstest]
fn columns_of(
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
    let columns = picked(&db, "columns.csv", |column: &ColumnLine| column.table == name);
    db.check(table(name).has_columns(columns.iter().map(|column| &column.column)));
    db.check_all(columns.iter().flat_map(ColumnLine::assertions));
}

/// `created_on` was added after the table, so a database created earlier gets it now.
#[rstest]
fn an_older_table_gets_its_created_on(#[from(opportunity)] mut db: Sandbox) {
    db.alter("ALTER TABLE opportunity_hypotheses DROP COLUMN IF EXISTS created_on CASCADE").unwrap();
    let migrations = db.context().migrations().unwrap();
    for statement in &migrations[1].statements {
        db.run(&statement.text).unwrap();
    }
    db.check(table("opportunity_hypotheses").column("created_on").defaults_to("CURRENT_DATE"));
    db.check(table("opportunity_hypotheses").unique(["niche", "city", "state", "created_on"]));
}
