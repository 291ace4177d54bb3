//! The plan of every query in `fixtures/opportunity/queries` is the accepted one in `snapshots/opportunity`.

use pgproof::fixture::Planning;
use rstest::rstest;

use crate::opportunity_planning;

#[rstest]
fn every_query_has_its_accepted_plan(#[from(opportunity_planning)] mut db: Planning) {
    db.check_snapshots();
}
