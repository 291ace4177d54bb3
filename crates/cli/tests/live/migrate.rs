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
    live.project.append(
        "sql/opportunity/004_runtime_logging.sql",
        "\nALTER TABLE orchestrator_run_log ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;\n",
    );
    let before = live.state();
    let ended = live.pgproof(&["migrate", "--database", "live", "--dry-run", "--trace"]);
    ended.demand(
        0,
        &[
            "sql/opportunity/002_opportunity_tables.sql",
            "+ table opportunities",
            "locks orchestrator_run_log in Access Exclusive mode\n      rewrites orchestrator_run_log",
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
    live.pgproof(&MIGRATE).demand(0, &["also there, by others: table theirs", "all of 4 files applied"]);
    assert_eq!(live.column("SELECT x FROM theirs"), ["1"]);
}

/// Kills a run after it has reported this many statements.
fn killed_after(live: &InUse, statements: usize) {
    use std::io::BufRead;
    let mut command = live.project.pgproof(&MIGRATE);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("pgproof runs");
    let lines = std::io::BufReader::new(run.stdout.take().expect("its output")).lines();
    let tags = lines.map(|line| line.expect("a line")).filter(|line| {
        line.starts_with("  CREATE")
            || line.starts_with("  COMMENT")
            || line.starts_with("  INSERT")
            || line.starts_with("  ALTER")
    });
    let _ = tags.take(statements).count();
    run.kill().expect("it runs");
    run.wait().expect("it ends");
}

#[test]
fn a_killed_run_is_resumed_by_the_next() {
    let moments = std::env::var("PGPROOF_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(5);
    let whole = fresh();
    whole.pgproof(&MIGRATE).demand(0, &["no drift"]);
    for moment in 0..moments {
        let live = fresh();
        // 65 statements; the last moment is after the end.
        killed_after(&live, 1 + moment * 65 / moments);
        live.pgproof(&MIGRATE).demand(0, &[]);
        live.pgproof(&["drift", "--database", "live", "--between", &whole.conninfo()]).demand(0, &["no drift"]);
        assert_eq!(live.column("SELECT count(*) FROM opportunity_thresholds"), ["7"]);
    }
}

#[test]
fn an_older_database_with_rows_is_rehearsed_and_upgraded() {
    let live = InUse::of(Project::of("settler"), "");
    let legacy = live.project.path("fixtures/settler/legacy");
    let mut files: Vec<_> =
        std::fs::read_dir(legacy).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "sql")) {
        live.run(&std::fs::read_to_string(file).expect("a file"));
    }
    let rows = live.column("SELECT count(*) FROM jobs");
    let ended = live.pgproof(&MIGRATE);
    ended.demand(
        0,
        &[
            "stands: not what any file makes",
            "rehearsed on a copy of its catalog: the pending files lead to what the migrations make",
        ],
    );
    assert_eq!(live.column("SELECT count(*) FROM jobs"), rows);
}

#[test]
fn what_the_files_cannot_mend_is_left_alone() {
    let live = fresh();
    live.migrate_by_hand();
    live.run("ALTER TABLE etl_logs ALTER COLUMN severity TYPE varchar(20)");
    let before = live.state();
    live.pgproof(&MIGRATE)
        .demand(2, &["afterwards there would remain:", "column etl_logs.severity: type", "nothing was changed"]);
    assert_eq!(live.state(), before);
}

#[test]
fn files_that_cannot_be_run_again_are_left_alone_with_the_place_of_the_error() {
    let config =
        "[schemas.shop]\nmigrations = \"sql\"\nsuite = { package = \"suites\", test = \"names_of_objects\" }\n";
    let project = Project::with(config);
    project.write("sql/1_shop.sql", "CREATE TABLE a (x int);\nCREATE TABLE b (x int);\n");
    let live = InUse::of(project, "");
    live.run("CREATE TABLE a (x int)");
    live.pgproof(&MIGRATE)
        .demand(2, &["the pending files fail on a copy", "sql/1_shop.sql:1:", "42P07 duplicate_table"]);
    assert_eq!(live.column("SELECT count(*) FROM pg_tables WHERE tablename = 'b'"), ["0"]);
}

#[test]
fn statistics_and_materialized_views_are_brought_up_to_date() {
    let live = InUse::of(Project::of("settler"), "");
    live.project.append(
        "sql/settler/001-initial-schema.sql",
        "\nCREATE MATERIALIZED VIEW IF NOT EXISTS plain AS SELECT 1 AS x;\n",
    );
    let ended = live.pgproof(&["migrate", "--database", "live", "--yes", "--analyze", "--refresh"]);
    ended.demand(
        0,
        &[
            "analyzed 30 tables and materialized views",
            "refreshed materialized view mv_reconciliation_summary_daily, concurrently",
            "refreshed materialized view plain, not concurrently, because it has no unique index",
        ],
    );
    live.pgproof(&["migrate", "--database", "live", "--yes", "--analyze"])
        .demand(0, &["nothing is pending", "analyzed 30 tables and materialized views"]);
    assert_eq!(live.column("SELECT count(*) FROM pg_stat_user_tables WHERE last_analyze IS NULL"), ["0"]);
}

#[test]
fn indexes_on_large_tables_are_built_concurrently_and_a_failed_build_is_replaced() {
    let config =
        "[schemas.shop]\nmigrations = \"sql\"\nsuite = { package = \"suites\", test = \"names_of_objects\" }\n";
    let project = Project::with(config);
    project.write("sql/1_shop.sql", "CREATE TABLE IF NOT EXISTS a (x int);\n");
    let live = InUse::of(project, "");
    live.pgproof(&MIGRATE).demand(0, &[]);
    live.run("INSERT INTO a SELECT n / 2 FROM generate_series(1, 10000) n");
    // Such a build on these rows fails, and leaves an index that IF NOT EXISTS would take for the one that is wanted.
    let mut session = live.superuser();
    session.run("CREATE UNIQUE INDEX CONCURRENTLY a_x ON a (x)").expect_err("the rows are not unique");
    live.project.write("sql/2_index.sql", "CREATE INDEX IF NOT EXISTS a_x ON a (x);\n");
    let ended = live.pgproof(&["migrate", "--database", "live", "--yes", "--concurrently", "100kB"]);
    ended.demand(0, &["CREATE INDEX", "no drift"]);
    assert_eq!(live.column("SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_x'::regclass"), ["t"]);
}

#[test]
fn a_history_is_kept_where_it_is_asked_for() {
    let live = InUse::of(Project::new(), "history = true");
    live.pgproof(&MIGRATE).demand(0, &["no drift"]);
    live.pgproof(&["rollback", "--database", "live", "--to", "3", "--no-backup", "--confirm", "live"]).demand(0, &[]);
    let history = live
        .column("SELECT action || ' ' || file || ' ' || length(sha256) || ' ' || by FROM pgproof.history ORDER BY at");
    assert_eq!(history.len(), 5, "{history:?}");
    assert_eq!(history[4], format!("rolled back sql/opportunity/rollback/004_runtime_logging.sql 64 {}", live.name));
    live.pgproof(&MIGRATE).demand(0, &["3 of 4 files applied", "no drift"]);
}
