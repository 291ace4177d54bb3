//! "Check RLS is enabled": on every table but one, and forced, so that it binds the owner of the tables too.

use pgproof::prelude::*;
use rstest::rstest;

use crate::settler;
use crate::tables::TABLES;

/// A token is looked up before it is known whose it is.
const WITHOUT: &str = "revoked_tokens";

#[rstest]
fn row_security_is_forced(#[from(settler)] mut db: Sandbox) {
    let tables = TABLES.iter().filter(|name| **name != WITHOUT);
    db.check_all(tables.map(|name| table(*name).forces_row_security()));
}

/// No function runs with more rights than its caller's, so that policies hold inside it.
#[rstest]
fn no_function_passes_by_it(#[from(settler)] mut db: Sandbox) {
    let sql = "SELECT count(*) FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace";
    db.check(query(sql).returns("0"));
}
