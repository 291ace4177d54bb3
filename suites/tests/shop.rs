//! The suite in README.md. A test of the command line holds the two together, and runs it on the schema there.

use pgproof::prelude::*;

fn shop() -> Sandbox {
    pgproof::fixture::sandbox("shop")
}

#[test]
fn an_order_has_a_known_status() {
    shop().check(table("orders").column("status").accepts_only(["open", "paid", "sent"]));
}

#[test]
fn orders_are_deleted_with_their_customer() {
    let key = table("orders").foreign_key(["customer_id"]).references("customers", ["id"]);
    shop().check(key.on_delete(Action::Cascade));
}
