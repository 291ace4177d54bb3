//! The Rust in `docs/`, compiled: each fragment there stands here, and the test holds the two together. That of the
//! README is `suites/tests/shop.rs`, which is run as well. Nothing here is run: there is no schema `shop`.

use std::path::Path;

/// The fragments, in the order of the pages. What surrounds a fragment is what its page has said before.
#[expect(dead_code, unnameable_test_items, clippy::unwrap_used, reason = "compiled, and not run")]
mod compiled {
    use pgproof::prelude::*;

    fn of_migrations() {
        #[test]
        fn the_migrations_are_safe_to_run_again() {
            let mut db = pgproof::fixture::sandbox("shop");
            db.check(migrations().are_repeatable());
            db.check(migrations().survive_kills());
        }
    }

    fn of_upgrades(mut db: Sandbox) {
        db.check(database_of(["legacy/before_tenants.sql"]).is_upgraded().once());
    }

    fn of_accepted_plans() {
        #[test]
        fn every_query_has_its_accepted_plan() {
            pgproof::fixture::planning("shop").check_snapshots();
        }
    }

    fn of_sizes() {
        let mut db = pgproof::fixture::planning("shop");
        let claim =
            db.query("tasks_by_priority").uses_index_from("idx_lead_tasks_status_priority", "lead_tasks", 1_000);
        db.check(claim.to_rows(50_000_000));
    }

    fn of_fixtures() {
        use pgproof::prelude::*;
        use rstest::{fixture, rstest};

        #[fixture]
        fn shop() -> Sandbox {
            pgproof::fixture::sandbox("shop")
        }

        #[rstest]
        fn orders_belong_to_a_customer(#[from(shop)] mut db: Sandbox) {
            db.check(table("orders").column("status").accepts_only(["open", "paid", "sent"]));
            db.check(table("orders").unique(["customer_id", "number"]));
        }
    }

    fn of_files(mut db: Sandbox) {
        let keys = picked(&db, "foreign_keys.csv", |key: &ForeignKeyLine| key.table == "orders");
        db.check_all(keys.iter().map(ForeignKeyLine::assertion));
    }

    fn of_observations() {
        let db = pgproof::fixture::clone_database("shop");
        let rates = db.session().unwrap().value("SELECT count(*) FROM rates").unwrap();
        db.observe("003_rates.sql", "inserts seven rates").equals(rates.as_deref(), Some("7"));
    }

    fn of_tenants() {
        #[test]
        fn tenants_are_isolated() {
            pgproof::fixture::tenancy("shop").check_isolation();
        }
    }
}

/// A text without what indentation and the width of a page change.
fn squeezed(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    text.replace(",)", ")").replace(",]", "]").replace(",}", "}")
}

#[test]
fn every_fragment_of_the_pages_is_compiled_here() {
    let here = squeezed(include_str!("fragments.rs"));
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut fragments = 0;
    for page in std::fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&page).unwrap();
        for fragment in text.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let is_here = here.contains(&squeezed(fragment));
            assert!(is_here, "{}: crates/pgproof/tests/fragments.rs lacks\n{fragment}", page.display());
            fragments += 1;
        }
    }
    assert!(fragments >= 8, "only {fragments} fragments were found");
}
