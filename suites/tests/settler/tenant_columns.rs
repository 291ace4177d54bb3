//! "Check tenant_id columns were added": on the tables that need one, and the effect of the setting that names the tenant.

use pgproof::fixture::Tenants;
use pgproof::prelude::*;
use rstest::rstest;

use crate::{settler, settler_tenants};

#[rstest]
fn tenant_id_references_the_tenants(#[from(settler)] mut db: Sandbox) {
    let columns = picked(&db, "columns.csv", |column: &ColumnLine| column.column == "tenant_id");
    assert_eq!(columns.len(), 23);
    db.check_all(columns.iter().map(|column| table(&column.table).column("tenant_id").has_type("uuid")));
}

/// Two tenants, each with a user.
const TWO: &str = "
    INSERT INTO tenants (id, name, slug) VALUES
        ('aaaaaaaa-0000-4000-8000-000000000000', 'A', 'a'), ('bbbbbbbb-0000-4000-8000-000000000000', 'B', 'b');
    INSERT INTO users (tenant_id, email, password_hash) SELECT id, slug || '@example.com', 'hash' FROM tenants";

#[rstest]
fn unset_shows_no_row(#[from(settler_tenants)] mut db: Tenants) {
    db.run(TWO).unwrap();
    db.become_nobody().unwrap();
    db.check(query("SELECT count(*) FROM users").returns("0"));
}

#[rstest]
fn a_tenant_sees_its_own(#[from(settler_tenants)] mut db: Tenants) {
    db.run(TWO).unwrap();
    db.become_tenant("bbbbbbbb-0000-4000-8000-000000000000").unwrap();
    db.check(query("SELECT string_agg(email, ' ') FROM users").returns("b@example.com"));
    db.check(query("SELECT string_agg(name, ' ') FROM tenants").returns("B"));
}

/// The state after RESET, or after a transaction that used SET LOCAL.
#[rstest]
fn empty_and_malformed_fail(#[from(settler_tenants)] mut db: Tenants, #[values("", "tenant-a")] setting: &str) {
    db.run(TWO).unwrap();
    db.become_tenant(setting).unwrap();
    let error = db.rows("SELECT count(*) FROM users").unwrap_err();
    let sentence = format!("fails with 22P02 where the tenant is {setting:?}");
    db.observe("a query", sentence).equals(error.sqlstate(), Some("22P02"));
}

/// Without a tenant no block is visible, and that must not look as if there were none.
#[rstest]
fn blocks_are_not_asked_for_nobody(#[from(settler_tenants)] mut db: Tenants) {
    db.become_nobody().unwrap();
    let error = db.rows("SELECT is_ip_blocked('192.0.2.1', gen_random_uuid())").unwrap_err();
    db.observe("is_ip_blocked", "fails with 55000 where no tenant is set").equals(error.sqlstate(), Some("55000"));
}
