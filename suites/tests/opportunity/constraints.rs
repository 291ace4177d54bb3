//! Section 2: keys, references, accepted values and durations, each tested with real rows.

use pgproof::prelude::*;
use rstest::rstest;

use crate::expectations::AcceptedValues;
use crate::opportunity;

#[rstest]
#[case("orchestrator_run_log", "log_id")]
#[case("opportunity_hypotheses", "hypothesis_id")]
#[case("opportunity_runs", "run_id")]
#[case("opportunities", "opportunity_id")]
#[case("opportunity_metrics", "metrics_id")]
#[case("newsletter_issues", "issue_id")]
#[case("lead_tasks", "task_id")]
#[case("lead_transactions", "transaction_id")]
#[case("opportunity_thresholds", "threshold_id")]
#[case("etl_logs", "log_id")]
fn primary_key_of(#[from(opportunity)] mut db: Sandbox, #[case] name: &str, #[case] column: &str) {
    db.check(table(name).primary_key([column]).named(format!("{name}_pkey")));
}

#[rstest]
fn a_hypothesis_is_proposed_once_a_day(#[from(opportunity)] mut db: Sandbox) {
    db.check(
        table("opportunity_hypotheses")
            .unique(["niche", "city", "state", "created_on"])
            .named("uq_opportunity_hypotheses_niche_city_state_day"),
    );
}

#[rstest]
fn an_analysis_version_is_used_once_a_hypothesis(#[from(opportunity)] mut db: Sandbox) {
    db.check(
        table("opportunities")
            .unique(["hypothesis_id", "analysis_version"])
            .named("uq_opportunities_hypothesis_version"),
    );
}

#[rstest]
fn a_metric_has_one_threshold_an_environment(#[from(opportunity)] mut db: Sandbox) {
    db.check(
        table("opportunity_thresholds")
            .unique(["metric", "environment"])
            .named("opportunity_thresholds_metric_environment_key"),
    );
}

#[rstest]
fn foreign_key_of(
    #[from(opportunity)] mut db: Sandbox,
    #[values(
        "opportunity_runs",
        "opportunities",
        "opportunity_metrics",
        "newsletter_issues",
        "lead_tasks",
        "lead_transactions"
    )]
    name: &str,
) {
    let keys = picked(&db, "foreign_keys.csv", |key: &ForeignKeyLine| key.table == name);
    db.check_all(keys.iter().map(ForeignKeyLine::assertion));
}

#[rstest]
fn accepted_values_of(
    #[from(opportunity)] mut db: Sandbox,
    #[values(
        "lead_tasks",
        "newsletter_issues",
        "opportunities",
        "opportunity_hypotheses",
        "orchestrator_run_log",
        "etl_logs"
    )]
    name: &str,
) {
    let sets: Vec<AcceptedValues> = picked(&db, "accepted_values.csv", |set: &AcceptedValues| set.table == name);
    db.check_all(
        sets.iter()
            .map(|set| table(&set.table).column(&set.column).accepts_only(set.values.split(' ')).by(&set.constraint)),
    );
}

#[rstest]
#[case("orchestrator_run_log", "chk_orchestrator_run_log_duration_ms")]
#[case("opportunity_runs", "chk_opportunity_runs_duration_ms")]
fn a_duration_is_never_negative(#[from(opportunity)] mut db: Sandbox, #[case] name: &str, #[case] check: &str) {
    db.check(table(name).column("duration_ms").accepts_from("0").by(check));
}

/// The fixtures name every enumeration and reference in the schema: a new one needs a line.
#[rstest]
fn no_constraint_goes_unproven(#[from(opportunity)] mut db: Sandbox) {
    let enums: Vec<AcceptedValues> = expected(&db, "accepted_values.csv");
    let keys: Vec<ForeignKeyLine> = expected(&db, "foreign_keys.csv");
    let count = |kind: char| {
        format!("SELECT count(*) FROM pg_constraint WHERE contype = '{kind}' AND connamespace = 'public'::regnamespace")
    };
    db.check(query(count('f')).returns(keys.len().to_string()));
    db.check(query(count('c')).returns((enums.len() + 2).to_string()));
}
