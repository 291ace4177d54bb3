//! The promises of the settler schema's runbook, with one module for each of its checks, and for what it states about
//! existing databases and the steps after the migration.

mod columns;
mod functions;
mod indexes;
mod isolation;
mod keys;
mod materialized_views;
mod next_steps;
mod partitions;
mod plans;
mod policies;
mod rerun;
mod row_security;
mod schema;
mod tables;
mod tenant_columns;
mod triggers;
mod upgrade;

use pgproof::prelude::*;
use pgproof::{fixture::Planning, fixture::Tenants};
use rstest::fixture;

/// The name of the optional migration that partitions the audit log.
const PARTITIONS: &str = "table-partitions";

/// A sandbox on the migrated schema.
#[fixture]
fn settler() -> Sandbox {
    pgproof::fixture::sandbox("settler")
}

/// A separate database, for what a sandbox cannot hold.
#[fixture]
fn settler_clone() -> CloneDatabase {
    pgproof::fixture::clone_database("settler")
}

/// The migrated schema, with the role that works for one tenant at a time.
#[fixture]
fn settler_tenants() -> Tenants {
    pgproof::fixture::tenancy("settler")
}

/// The planning database, with the schema's queries.
#[fixture]
fn settler_planning() -> Planning {
    pgproof::fixture::planning("settler")
}
