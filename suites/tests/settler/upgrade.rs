//! "Migrating Existing Database": a database from before tenants were introduced, and one from after each of the legacy
//! files, is upgraded in place.

use pgproof::prelude::*;
use rstest::rstest;

use crate::settler;

/// What each legacy file created, in their original order.
const LEGACY: [&str; 7] = [
    "legacy/00-before-tenants.sql",
    "legacy/01-multi-tenancy.sql",
    "legacy/02-event-sourcing.sql",
    "legacy/03-cqrs-projections.sql",
    "legacy/04-security.sql",
    "legacy/05-performance-indexes.sql",
    "legacy/06-materialized-views.sql",
];

#[rstest]
fn an_old_database_is_upgraded(#[from(settler)] mut db: Sandbox, #[values(1, 2, 3, 4, 5, 6, 7)] files: usize) {
    let upgraded = database_of(LEGACY[..files].iter().copied()).is_upgraded();
    // Upgraded, they all have the same schema: re-running the migrations is tried on the two that differ most.
    db.check(if files == 1 || files == LEGACY.len() { upgraded.once() } else { upgraded });
}
