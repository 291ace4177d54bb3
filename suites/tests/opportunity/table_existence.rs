//! Section 1: all ten tables exist, and no others.

use pgproof::prelude::*;
use rstest::rstest;

use crate::expectations::TABLES;
use crate::opportunity;

#[rstest]
fn all_ten_tables_and_no_others(#[from(opportunity)] mut db: Sandbox) {
    db.check(tables(TABLES).are_all());
}

#[rstest]
fn every_table_can_be_read(#[from(opportunity)] mut db: Sandbox) {
    db.check_all(TABLES.map(|name| table(name).exists()));
}

/// The runbook's first query for manual verification.
#[rstest]
fn ten_tables_by_the_information_schema(#[from(opportunity)] mut db: Sandbox) {
    db.check(query("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'").returns("10"));
}
