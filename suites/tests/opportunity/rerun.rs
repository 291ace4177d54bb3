//! "Safe to re-run": re-run, killed, resumed, run concurrently or rolled back, the migrations lead to the same state,
//! and keep rows.

use pgproof::prelude::*;
use rstest::rstest;

use crate::opportunity;

#[rstest]
fn a_second_run_changes_nothing(#[from(opportunity)] mut db: Sandbox) {
    db.check(migrations().are_repeatable());
}

#[rstest]
fn any_file_can_be_the_last_one_applied(#[from(opportunity)] mut db: Sandbox) {
    db.check(migrations().can_be_resumed());
}

#[rstest]
fn a_killed_run_can_be_repeated(#[from(opportunity)] mut db: Sandbox) {
    db.check(migrations().survive_kills());
}

#[rstest]
fn rows_survive_runs_and_edited_thresholds_are_set_back(#[from(opportunity)] mut db: Sandbox) {
    db.check(migrations().keep_rows());
}

#[rstest]
fn two_can_run_them_at_once(#[from(opportunity)] mut db: Sandbox) {
    db.check(migrations().can_run_at_once());
}

#[rstest]
fn every_step_can_be_rolled_back(#[from(opportunity)] mut db: Sandbox) {
    db.check(migrations().can_be_rolled_back());
}
