//! "Check RLS is enabled": on every table but one, and forced, so that it also applies to the owner of the tables.

use pgproof::prelude::*;
use rstest::rstest;

use crate::settler;
use crate::tables::TABLES;

/// A token is looked up before its tenant is known.
const WITHOUT: &str = "revoked_tokens";

#[rstest]
fn row_security_is_forced(#[from(settler)] mut db: Sandbox) {
    let tables = TABLES.iter().filter(|name| **name != WITHOUT);
    db.check_all(tables.map(|name| table(*name).forces_row_security()));
}

/// No function runs with more privileges than its caller, so that policies apply inside it.
#[rstest]
fn no_function_passes_by_it(#[from(settler)] mut db: Sandbox) {
    let sql = "SELECT count(*) FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace";
    db.check(query(sql).returns("0"));
}
