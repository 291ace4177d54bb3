//! `rollback`: the runbook's partial and full procedures, with what they lose said beforehand.

use rstest::rstest;

use crate::database::InUse;
use crate::project::Project;

const ROLLBACK: [&str; 4] = ["rollback", "--database", "live", "--confirm"];

fn rolled_back(live: &InUse, more: &[&str]) -> crate::project::Ended {
    live.pgproof(&[&ROLLBACK[..], &["live"], more].concat())
}

#[rstest]
#[case(3, "drops table etl_logs", "3 of 4 files applied")]
#[case(2, "deletes rows of table opportunity_thresholds, which has 7", "2 of 4 files applied")]
#[case(1, "drops table opportunity_hypotheses", "1 of 4 files applied")]
fn each_step_of_the_runbook_is_rolled_back_alone_and_migrated_again(
    #[case] to: u64,
    #[case] said: &str,
    #[case] then: &str,
) {
    let live = InUse::migrated();
    rolled_back(&live, &["--no-backup", "--to", &to.to_string()]).demand(0, &[said, then]);
    live.pgproof(&["migrate", "--database", "live", "--yes"]).demand(0, &[then, "no drift"]);
}

#[test]
fn all_of_it_is_rolled_back_and_migrated_again() {
    let live = InUse::migrated();
    live.run("INSERT INTO opportunity_hypotheses (niche, city, state) SELECT 'n' || i, 'c', 'TX' FROM generate_series(1, 3) i");
    let ended = rolled_back(&live, &["--all", "--backup-to", "before.dump"]);
    ended.demand(
        0,
        &[
            "loses 3 rows of table opportunity_hypotheses",
            "loses 7 rows of table opportunity_thresholds",
            "none of 4 files applied",
        ],
    );
    assert_eq!(live.column("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), ["0"]);
    live.pgproof(&["migrate", "--database", "live", "--yes"]).demand(0, &["no drift"]);
}

#[test]
fn a_dry_run_and_a_wrong_name_change_nothing() {
    let live = InUse::migrated();
    let before = live.state();
    live.pgproof(&["rollback", "--database", "live", "--all", "--dry-run"])
        .demand(0, &["drops table etl_logs", "nothing was changed"]);
    live.pgproof(&["rollback", "--database", "live", "--all", "--yes"]).demand(2, &["give --confirm live"]);
    live.pgproof(&["rollback", "--database", "live", "--all", "--confirm", "other"])
        .demand(2, &["nothing was changed"]);
    live.pgproof(&["rollback", "--database", "live", "--to", "9"])
        .demand(2, &["no migration has the number 9; there are 1, 2, 3, 4"]);
    assert_eq!(live.state(), before);
}

#[test]
fn a_file_without_a_down_migration_is_an_error_before_anything_happens() {
    let live = InUse::of(Project::new(), "");
    live.migrate_by_hand();
    std::fs::remove_file(live.project.path("sql/opportunity/rollback/002_opportunity_tables.sql")).expect("a file");
    let before = live.state();
    rolled_back(&live, &["--all", "--backup-to", "before.dump"])
        .demand(2, &["sql/opportunity/002_opportunity_tables.sql has no down migration"]);
    assert_eq!(live.state(), before);
}
