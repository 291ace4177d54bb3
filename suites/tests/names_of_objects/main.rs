//! The suite of a small schema with unusual names. It proves nothing of ours: pgproof's own tests write the migrations
//! of the schema `shop` into a directory of their own, break them, and run this suite with `verify`.

use pgproof::prelude::*;
use rstest::fixture;

mod empty;
mod names;

/// A sandbox on the migrated schema.
#[fixture]
fn shop() -> Sandbox {
    pgproof::fixture::sandbox("shop")
}
