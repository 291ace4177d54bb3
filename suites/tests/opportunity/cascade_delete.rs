//! Section 6: deleting a parent deletes all its descendants, and no other rows.

use pgproof::prelude::*;
use pgproof::row::{RowGenerator, Value};
use rstest::rstest;

use crate::opportunity;

const CHILDREN: [&str; 4] = ["opportunity_metrics", "newsletter_issues", "lead_tasks", "lead_transactions"];

#[rstest]
#[case("opportunity_runs", "hypothesis_id", "opportunity_hypotheses")]
#[case("opportunities", "hypothesis_id", "opportunity_hypotheses")]
#[case("opportunity_metrics", "opportunity_id", "opportunities")]
#[case("newsletter_issues", "opportunity_id", "opportunities")]
#[case("lead_tasks", "opportunity_id", "opportunities")]
#[case("lead_transactions", "opportunity_id", "opportunities")]
fn children_go_with_their_parent(
    #[from(opportunity)] mut db: Sandbox,
    #[case] child: &str,
    #[case] column: &str,
    #[case] parent: &str,
) {
    db.check(table(child).foreign_key([column]).references(parent, [column]).on_delete(Action::Cascade));
}

/// One hypothesis with a row in every table below it, and a second one beside it that must remain.
#[rstest]
fn a_hypothesis_takes_its_whole_tree_along(#[from(opportunity)] mut db: Sandbox) {
    let mut rows = RowGenerator::of(&mut db).unwrap();
    let mut hypotheses = Vec::new();
    for _ in 0..2 {
        let hypothesis = rows.insert(&mut db, "opportunity_hypotheses", &[]).unwrap();
        let id = Value::text(hypothesis.value("hypothesis_id").unwrap());
        rows.insert(&mut db, "opportunity_runs", &[("hypothesis_id", id.clone())]).unwrap();
        let opportunity = rows.insert(&mut db, "opportunities", &[("hypothesis_id", id)]).unwrap();
        let id = Value::text(opportunity.value("opportunity_id").unwrap());
        for child in CHILDREN {
            rows.insert(&mut db, child, &[("opportunity_id", id.clone())]).unwrap();
        }
        hypotheses.push(hypothesis);
    }
    let deleted = hypotheses[0].condition(&["hypothesis_id".to_owned()]);
    db.run(&format!("DELETE FROM opportunity_hypotheses WHERE {deleted}")).unwrap();
    for name in ["opportunity_hypotheses", "opportunity_runs", "opportunities"].iter().chain(&CHILDREN) {
        db.check(query(format!("SELECT count(*) FROM {name}")).returns("1"));
    }
}

/// Logs have no foreign key: they outlive the rows they describe.
#[rstest]
#[case("orchestrator_run_log")]
#[case("etl_logs")]
fn logs_stay(#[from(opportunity)] mut db: Sandbox, #[case] log: &str) {
    let mut rows = RowGenerator::of(&mut db).unwrap();
    rows.insert(&mut db, log, &[]).unwrap();
    db.run("DELETE FROM opportunity_hypotheses").unwrap();
    db.check(query(format!("SELECT count(*) FROM {log}")).returns("1"));
}
