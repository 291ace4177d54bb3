//! Every object and property is as the reviewed snapshot has it, and there is no other.

use pgproof::prelude::*;
use rstest::rstest;

use crate::settler;

#[rstest]
fn every_object_is_as_accepted(#[from(settler)] mut db: Sandbox) {
    db.check_schema();
}
