//! Single edits of a migration, each of which breaks one assertion: `verify` exits with 1 (or 2, if the migration does
//! not apply) and names object, file and line.

use rstest::rstest;

use crate::project::Project;

const LOG: &str = "sql/opportunity/001_create_orchestrator_log.sql";
const TABLES: &str = "sql/opportunity/002_opportunity_tables.sql";
const SEED: &str = "sql/opportunity/003_threshold_seed.sql";

#[rstest]
#[case::gin_index_dropped(
    TABLES,
    "CREATE INDEX IF NOT EXISTS idx_opportunity_metrics_metrics_jsonb ON opportunity_metrics USING gin (metrics);",
    "",
    &["index idx_opportunity_metrics_metrics_jsonb", "it does not exist"],
    "CREATE TABLE IF NOT EXISTS opportunity_metrics"
)]
#[case::foreign_key_without_action(
    TABLES,
    "CONSTRAINT lead_tasks_opportunity_id_fkey FOREIGN KEY (opportunity_id)\n        REFERENCES opportunities (opportunity_id) ON DELETE CASCADE",
    "CONSTRAINT lead_tasks_opportunity_id_fkey FOREIGN KEY (opportunity_id)\n        REFERENCES opportunities (opportunity_id)",
    &["foreign key lead_tasks (opportunity_id)", "was rejected (declared NO ACTION), not CASCADE"],
    "lead_tasks_opportunity_id_fkey"
)]
#[case::enum_value_removed(
    TABLES,
    "'pending', 'in_progress', 'completed', 'cancelled'))",
    "'pending', 'in_progress', 'completed'))",
    &["column lead_tasks.status", "'cancelled' was rejected with 23514 check_violation by chk_lead_tasks_status"],
    "chk_lead_tasks_status"
)]
#[case::enum_value_added(
    TABLES,
    "('draft', 'scheduled', 'sent')",
    "('draft', 'scheduled', 'sent', 'recalled')",
    &["column newsletter_issues.status", "also accepted: 'recalled'"],
    "chk_newsletter_issue_status"
)]
#[case::not_null_dropped(
    TABLES,
    "    niche         text        NOT NULL,",
    "    niche         text,",
    &["column opportunity_hypotheses.niche", "NULL was accepted: the column has no NOT NULL constraint"],
    "    niche         text,"
)]
#[case::threshold_changed(
    SEED,
    "('provider_density',       12.0000,",
    "('provider_density',       13.0000,",
    &["table opportunity_thresholds", "provider_density, production: threshold_value is 13.0000, not 12.0000"],
    "provider_density"
)]
#[case::duration_check_removed(
    LOG,
    "('running', 'completed', 'failed', 'skipped')),\n    CONSTRAINT chk_orchestrator_run_log_duration_ms CHECK (duration_ms >= 0)",
    "('running', 'completed', 'failed', 'skipped'))",
    &["column orchestrator_run_log.duration_ms", "-1 was accepted"],
    "CREATE TABLE IF NOT EXISTS orchestrator_run_log"
)]
#[case::composite_index_swapped(
    TABLES,
    "lead_tasks (status, contact_priority DESC)",
    "lead_tasks (contact_priority DESC, status)",
    &["index idx_lead_tasks_status_priority", "its key is contact_priority DESC, status, not status, contact_priority DESC"],
    "idx_lead_tasks_status_priority"
)]
fn a_refuted_assertion_is_reported_with_its_place(
    #[case] file: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] texts: &[&str],
    #[case] defined_by: &str,
) {
    let project = Project::new();
    project.edit(file, from, to);
    let ended = project.run(&["verify", "opportunity"]);
    ended.demand(1, texts);
    ended.demand(1, &[&format!("{file}:{}:", project.line_of(file, defined_by))]);
}

#[test]
fn a_broken_statement_is_shown_with_a_caret() {
    let project = Project::new();
    project.edit(TABLES, "    conversion_rate numeric(5,2),", "    conversion_rate numeric(5,2) NOT NUL,");
    let line = project.line_of(TABLES, "NOT NUL,");
    project.run(&["verify"]).demand(
        2,
        &[
            &format!("{TABLES}:{line}:38: CREATE TABLE failed"),
            "CREATE TABLE IF NOT EXISTS lead_transactions (",
            &format!("{line} |     conversion_rate numeric(5,2) NOT NUL,"),
            "    |                                      ^",
            "42601 syntax_error",
        ],
    );
}

const CREATED_ON: &str =
    "ALTER TABLE opportunity_hypotheses\n    ADD COLUMN IF NOT EXISTS created_on date NOT NULL DEFAULT CURRENT_DATE;";

#[test]
fn a_missing_column_fails_the_first_statement_that_needs_it() {
    let project = Project::new();
    project.edit(TABLES, CREATED_ON, "");
    let line = project.line_of(TABLES, "ON opportunity_hypotheses (niche, city, state, created_on)") - 1;
    let place = format!("{TABLES}:{line}:1: CREATE INDEX failed");
    project.run(&["verify"]).demand(2, &[&place, "42703 undefined_column: column \"created_on\" does not exist"]);
}

#[test]
fn a_column_that_is_dropped_at_the_end_is_reported_by_the_suite() {
    let project = Project::new();
    std::fs::write(
        project.path("sql/opportunity/005_drop.sql"),
        "ALTER TABLE opportunity_hypotheses DROP COLUMN created_on;\n",
    )
    .unwrap();
    project.run(&["verify"]).demand(
        1,
        &[
            "table opportunity_hypotheses has exactly the columns",
            "missing: created_on",
            "column opportunity_hypotheses.created_on",
            "the column does not exist",
            "unique key uq_opportunity_hypotheses_niche_city_state_day",
            // Where it was lost, not where it was made.
            "defined at sql/opportunity/005_drop.sql:1:",
        ],
    );
}

/// Edits after which the migrations still apply once, but are no longer safe to run again.
#[rstest]
#[case::seed_without_on_conflict(
    SEED,
    "ON CONFLICT",
    "a_second_run",
    &["migrations of the schema change nothing when they are run again", "cannot be run a second time", "23505 unique_violation"]
)]
#[case::time_of_the_last_run(
    SEED,
    "WHERE (",
    "a_second_run",
    &["003_threshold_seed.sql, run a second time, changes the database", "table opportunity_thresholds: rows have other values"]
)]
#[case::index_that_is_killed_half_way(
    "sql/opportunity/004_runtime_logging.sql",
    "CREATE INDEX IF NOT EXISTS idx_etl_logs_run_id",
    "a_killed_run",
    &["killed during sql/opportunity/004_runtime_logging.sql", "index idx_etl_logs_run_id: valid is false, was true"]
)]
fn a_migration_that_is_not_safe_to_run_again(
    #[case] file: &str,
    #[case] from: &str,
    #[case] test: &str,
    #[case] texts: &[&str],
) {
    let project = Project::new();
    let text = std::fs::read_to_string(project.path(file)).expect("a migration");
    let edited = match from {
        "ON CONFLICT" => text[..text.find(from).expect("an upsert")].trim_end().to_owned() + ";\n",
        "WHERE (" => text[..text.rfind("\n    WHERE").expect("a condition")].to_owned() + ";\n",
        index => text.replace(index, &index.replace("INDEX", "INDEX CONCURRENTLY")),
    };
    std::fs::write(project.path(file), edited).expect("a migration");
    project.run(&["verify", "--filter", test]).demand(1, texts);
}
