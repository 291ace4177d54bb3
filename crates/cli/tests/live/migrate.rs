//! `migrate`: what stands is recognised, what is pending is applied, and nothing else happens.

use std::process::Stdio;

use rstest::rstest;

use crate::database::InUse;
use crate::project::{Ended, Project};

fn fresh() -> InUse {
    InUse::of(Project::new(), "")
}

const MIGRATE: [&str; 4] = ["migrate", "--database", "live", "--yes"];

#[test]
fn a_fresh_database_gets_everything_with_the_runbooks_command_tags() {
    let live = fresh();
    let ended = live.pgproof(&MIGRATE);
    ended.demand(0, &["stands: none of 4 files applied", "INSERT 0 7", "no drift: live"]);
    let tags = |tag: &str| ended.stdout.lines().filter(|line| line.trim() == tag).count();
    // 1, 8 and 1 tables, as the runbook says, and at least 15 + 4 indexes and 20 + 4 comments.
    assert_eq!(tags("CREATE TABLE"), 10);
    assert!(tags("CREATE INDEX") >= 19 && tags("COMMENT") >= 24, "{}", ended.stdout);
    live.pgproof(&MIGRATE).demand(0, &["stands: all of 4 files applied; nothing is pending"]);
}

#[rstest]
#[case(0, "none of 4 files")]
#[case(1, "1 of 4 files applied, the last is sql/opportunity/001_create_orchestrator_log.sql")]
#[case(2, "2 of 4 files applied")]
#[case(3, "3 of 4 files applied, the last is sql/opportunity/003_threshold_seed.sql")]
fn what_stands_is_recognised_by_the_catalog_and_the_rows(#[case] files: usize, #[case] said: &str) {
    let live = fresh();
    live.migrate_by_hand_until(files);
    live.pgproof(&MIGRATE).demand(0, &[said, "no drift"]);
}

#[test]
fn a_dry_run_shows_statements_catalog_and_locks_and_changes_nothing() {
    let live = fresh();
    live.migrate_by_hand_until(1);
    let before = live.state();
    let ended = live.pgproof(&["migrate", "--database", "live", "--dry-run", "--trace"]);
    ended.demand(
        0,
        &[
            "sql/opportunity/002_opportunity_tables.sql",
            "+ table opportunities",
            "locks opportunity_hypotheses in Access Exclusive mode",
            "nothing was changed",
        ],
    );
    assert_eq!(live.state(), before);
}

#[test]
fn nobody_to_ask_is_an_error_and_changes_nothing() {
    let live = fresh();
    let before = live.state();
    live.pgproof(&["migrate", "--database", "live"]).demand(2, &["standard input is not a terminal", "give --yes"]);
    assert_eq!(live.state(), before);
}

#[test]
fn a_protected_database_wants_its_name() {
    let live = InUse::of(Project::new(), "protected = true");
    live.pgproof(&MIGRATE).demand(2, &["give --confirm live"]);
    live.pgproof(&["migrate", "--database", &live.conninfo(), "--yes"]).demand(2, &["give --confirm live"]);
    live.pgproof(&["migrate", "--database", "live", "--confirm", "life"])
        .demand(2, &["\"life\", but the database is \"live\""]);
    live.pgproof(&["migrate", "--database", "live", "--confirm", "live"]).demand(0, &["no drift"]);
}

#[test]
fn two_runs_at_once_both_end_well() {
    let live = fresh();
    let start = || {
        let mut command = live.project.pgproof(&MIGRATE);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("pgproof runs")
    };
    let both = [start(), start()];
    for run in both {
        Ended::of(&run.wait_with_output().expect("it ends")).demand(0, &[]);
    }
    live.pgproof(&["drift", "--database", "live"]).demand(0, &["no drift"]);
}

#[test]
fn a_lock_that_others_hold_is_waited_for() {
    let live = InUse::of(Project::new(), "lock_timeout = \"100ms\"\nlock_retries = 50");
    live.migrate_by_hand_until(1);
    let mut holder = live.superuser();
    holder.run("BEGIN; LOCK TABLE orchestrator_run_log IN ACCESS SHARE MODE").expect("a lock");
    live.project.append(
        "sql/opportunity/004_runtime_logging.sql",
        "\nALTER TABLE orchestrator_run_log ADD COLUMN note text;\n",
    );
    let mut command = live.project.pgproof(&MIGRATE);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("pgproof runs");
    // Until it waits: its session has asked for the lock and been told no.
    let waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'ALTER TABLE orchestrator_run_log%'";
    let started = std::time::Instant::now();
    while live.column(waits).is_empty() {
        assert!(started.elapsed() < std::time::Duration::from_mins(1), "no run waits");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    holder.run("ROLLBACK").expect("the lock is released");
    Ended::of(&run.wait_with_output().expect("it ends"))
        .demand(0, &["waits for a lock that others hold; trying again", "no drift"]);
}

#[test]
fn a_lock_that_is_never_released_is_an_error_that_says_how_to_go_on() {
    let live = InUse::of(Project::new(), "lock_timeout = \"20ms\"\nlock_retries = 1");
    live.migrate_by_hand_until(1);
    let mut holder = live.superuser();
    holder.run("BEGIN; LOCK TABLE orchestrator_run_log IN ACCESS SHARE MODE").expect("a lock");
    live.project.append(
        "sql/opportunity/004_runtime_logging.sql",
        "\nALTER TABLE orchestrator_run_log ADD COLUMN note text;\n",
    );
    live.pgproof(&MIGRATE).demand(2, &["a lock was not obtained within 0.02 s, 2 times", "run the command again"]);
    holder.run("ROLLBACK").expect("the lock is released");
    live.pgproof(&MIGRATE).demand(0, &["no drift"]);
}

#[test]
fn a_failed_statement_is_placed_and_the_rest_can_follow() {
    let live = fresh();
    live.project.append(
        "sql/opportunity/002_opportunity_tables.sql",
        "\nSELECT 1 / count(*) FROM pg_stat_database WHERE datname = 'pgproof_opportunity';\n",
    );
    // It applies to the disposable database, where that name exists.
    let line = live.project.line_of("sql/opportunity/002_opportunity_tables.sql", "1 / count");
    let ended = live.pgproof(&MIGRATE);
    ended.demand(2, &[&format!("sql/opportunity/002_opportunity_tables.sql:{line}:"), "22012 division_by_zero"]);
}

#[test]
fn what_others_have_in_the_database_is_left_alone() {
    let live = fresh();
    live.run("CREATE TABLE theirs (x int); INSERT INTO theirs VALUES (1)");
    live.pgproof(&MIGRATE).demand(1, &["also there, by others: table theirs", "table theirs: is not expected"]);
    assert_eq!(live.column("SELECT x FROM theirs"), ["1"]);
}
