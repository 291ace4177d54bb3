//! The example `own_assertion`: the assertion of a user's own is proven, refuted, and pins what it acts out.

use pgproof::assertions::testing::{proven, refuted, scratch};
use pgproof::catalog::Catalog;
use pgproof::prelude::*;

#[path = "../examples/own_assertion.rs"]
mod own_assertion;

use own_assertion::Moments;

#[test]
fn the_example_runs() {
    own_assertion::main();
}

#[test]
fn moments_are_kept() {
    let mut db = scratch(own_assertion::ORDERS);
    proven(&mut db, table("orders").keeps_moments());
    let catalog = Catalog::of(&mut db).unwrap();
    let pins = table("orders").keeps_moments().pins(&catalog);
    let pinned: Vec<_> = pins.iter().map(|pin| format!("{}: {}", pin.object, pin.property)).collect();
    assert_eq!(pinned, ["column orders.paid_at: type", "column orders.sent_at: type"]);
}

#[test]
fn moments_are_lost() {
    let mut db =
        scratch("CREATE TABLE orders (paid_at timestamptz, sent_at timestamp, back_at date); CREATE TABLE t ()");
    insta::assert_snapshot!(refuted(&mut db, table("orders").keeps_moments()), @"
    refuted: table orders keeps the moment in each column whose name ends in _at
      another moment is read from sent_at, back_at
    ");
    insta::assert_snapshot!(refuted(&mut db, table("t").keeps_moments()), @"
    refuted: table t keeps the moment in each column whose name ends in _at
      it has no such column
    ");
}
