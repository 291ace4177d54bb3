//! The promises of the opportunity schema's runbook, with one module per section of its validation, and its other
//! promises: columns, comments, repeatable and reversible migrations.

mod cascade_delete;
mod columns;
mod comments;
mod constraints;
mod expectations;
mod indexes;
mod jsonb;
mod migrations;
mod plans;
mod query_performance;
mod rerun;
mod schema;
mod table_existence;
mod threshold_data;

use pgproof::fixture::Planning;
use pgproof::prelude::*;
use rstest::fixture;

/// A sandbox on the migrated schema.
#[fixture]
fn opportunity() -> Sandbox {
    pgproof::fixture::sandbox("opportunity")
}

/// A separate database, for what a sandbox cannot hold.
#[fixture]
fn opportunity_clone() -> CloneDatabase {
    pgproof::fixture::clone_database("opportunity")
}

/// The planning database, with the schema's queries.
#[fixture]
fn opportunity_planning() -> Planning {
    pgproof::fixture::planning("opportunity")
}
