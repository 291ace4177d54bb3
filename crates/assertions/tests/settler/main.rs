//! What the runbook of the settler schema promises, a module for each thing that it has one check: tables, row
//! security, functions, tenant columns, policies, triggers, and what it says of existing databases and of the steps
//! after the migration.

mod isolation;
mod upgrade;

use pgproof_assertions::fixture::Tenants;
use pgproof_assertions::prelude::*;
use rstest::fixture;

/// The migrated schema, with the role that works for one tenant at a time.
#[fixture]
fn settler_tenants() -> Tenants {
    pgproof_assertions::fixture::tenancy("settler")
}

/// A sandbox on the migrated schema.
#[fixture]
fn settler() -> Sandbox {
    pgproof_assertions::fixture::sandbox("settler")
}
