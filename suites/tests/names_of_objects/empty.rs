//! A test that passes and asserts nothing: the report must say so.

use pgproof::prelude::*;
use rstest::rstest;

use crate::shop;

#[rstest]
fn nothing_is_asserted(#[from(shop)] db: Sandbox) {
    drop(db);
}
