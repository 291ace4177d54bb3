//! "The consolidated migration is idempotent": re-run, killed or run concurrently, it leads to the same state and keeps
//! rows.

use pgproof::prelude::*;
use rstest::rstest;

use crate::settler;

#[rstest]
fn a_second_run_changes_nothing(#[from(settler)] mut db: Sandbox) {
    db.check(migrations().are_repeatable());
}

#[rstest]
fn a_killed_run_can_be_repeated(#[from(settler)] mut db: Sandbox) {
    db.check(migrations().survive_kills());
}

#[rstest]
fn rows_survive_runs(#[from(settler)] mut db: Sandbox) {
    db.check(migrations().keep_rows());
}

#[rstest]
fn two_can_run_it_at_once(#[from(settler)] mut db: Sandbox) {
    db.check(migrations().can_run_at_once());
}
