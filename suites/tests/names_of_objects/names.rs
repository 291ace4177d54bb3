//! Names that a parser could confuse: the same table in two schemas, a dot in a quoted name, a key word as a column,
//! overloaded functions, and a constraint name that occurs on two tables.

use pgproof::prelude::*;
use rstest::rstest;

use crate::shop;

#[rstest]
fn two_schemas_have_a_table_of_the_same_name(#[from(shop)] mut db: Sandbox) {
    db.check(table("orders").has_columns(["id", "total"]));
    db.check(table("archive.orders").has_columns(["id", "total", "archived_at"]));
    db.check(table("orders").column("total").is_not_null());
    db.check(table("archive.orders").column("archived_at").is_not_null());
}

#[rstest]
fn a_quoted_name_holds_a_dot(#[from(shop)] mut db: Sandbox) {
    db.check(table("\"Order.Items\"").column("select").accepts_only(["new", "sent"]));
    db.check(table("\"Order.Items\"").foreign_key(["Order"]).references("orders", ["id"]).on_delete(Action::Cascade));
}

#[rstest]
fn a_function_is_overloaded(#[from(shop)] mut db: Sandbox) {
    db.check(function("doubled").is("n integer", "integer").volatility(Volatility::Immutable));
    db.check(function("doubled").is("t text", "text").volatility(Volatility::Immutable));
    db.check(function("doubled").gives("2", "4"));
    db.check(function("doubled").gives("'ab'::text", "abab"));
}

#[rstest]
fn a_constraint_name_occurs_on_two_tables(#[from(shop)] mut db: Sandbox) {
    db.check(table("orders").column("total").accepts_from("0").by("positive"));
    db.check(table("archive.orders").column("total").accepts_from("0").by("positive"));
}
