//! The plan of every query in `fixtures/settler/queries`, for a tenant, is the accepted one in `snapshots/settler`.

use pgproof::fixture::Planning;
use rstest::rstest;

use crate::settler_planning;

#[rstest]
fn every_query_has_its_accepted_plan(#[from(settler_planning)] mut db: Planning) {
    db.check_snapshots();
}
