//! Every index: method, columns and their order, uniqueness, predicate, INCLUDE.

use pgproof::prelude::*;
use rstest::rstest;

use crate::settler;

#[rstest]
fn every_index_is_as_declared(#[from(settler)] mut db: Sandbox) {
    let indexes: Vec<IndexLine> = expected(&db, "indexes.csv");
    db.check_all(indexes.iter().map(IndexLine::assertion));
}

/// The fixtures name every index in the schema, except those of keys and of the materialized view.
#[rstest]
fn no_index_goes_unproven(#[from(settler)] mut db: Sandbox) {
    let indexes: Vec<IndexLine> = expected(&db, "indexes.csv");
    let sql = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))";
    db.check(query(sql).returns(indexes.len().to_string()));
}

/// An address can have only one block at a time, and can be blocked again after it is unblocked.
#[rstest]
fn an_address_is_blocked_once_at_a_time(#[from(settler)] mut db: Sandbox) {
    let block = "INSERT INTO blocked_ips (ip, reason, tenant_id) SELECT '192.0.2.1', 'scan', id FROM tenants";
    db.run("INSERT INTO tenants (name, slug) VALUES ('One', 'one')").unwrap();
    db.run(block).unwrap();
    let again = db.attempt(block).unwrap().is_accepted();
    db.observe("a second block of an address", "is rejected").holds(!again, "it was accepted");
    db.run("UPDATE blocked_ips SET unblocked_at = now()").unwrap();
    let again = db.attempt(block).unwrap().is_accepted();
    db.observe("a block of an unblocked address", "is accepted").holds(again, "it was rejected");
}
