//! "Next Steps": the first tenant and its administrator, exactly as in the runbook.

use pgproof::fixture::Tenants;
use pgproof::prelude::*;
use rstest::rstest;

use crate::settler_tenants;

const TENANT: &str = "INSERT INTO tenants (name, slug, tier) VALUES ('Default Tenant', 'default', 'free') RETURNING id";

#[rstest]
fn the_first_tenant_and_its_administrator_are_made(#[from(settler_tenants)] mut db: Tenants) {
    let tenant = db.value(TENANT).unwrap().unwrap();
    db.run(&format!(
        "INSERT INTO users (tenant_id, email, password_hash, role)
         VALUES ('{tenant}', 'admin@example.com', 'bcrypt-hashed-password', 'admin')"
    ))
    .unwrap();
    db.become_tenant(&tenant).unwrap();
    db.check(query("SELECT email || ' ' || role FROM users").returns("admin@example.com admin"));
    db.check(query("SELECT quotas ->> 'concurrentJobs' FROM tenants").returns("5"));
    db.check(function("check_tenant_quota").gives(format!("'{tenant}', 'concurrentJobs', 1"), "t"));
}

/// Administrators create tenants.
#[rstest]
fn a_tenant_makes_no_tenant(#[from(settler_tenants)] mut db: Tenants) {
    let tenant = db.value(TENANT).unwrap().unwrap();
    db.check(role("settler_user").may_only([Privilege::Select], "tenants"));
    db.become_tenant(&tenant).unwrap();
    let other = db.attempt("INSERT INTO tenants (name, slug) VALUES ('Second', 'second')").unwrap();
    assert!(matches!(other, pgproof::Attempt::Refused(report) if report.sqlstate == "42501"));
}
