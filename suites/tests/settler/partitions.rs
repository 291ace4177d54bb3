//! `table-partitions.sql`, an optional migration: rows are kept and routed, a second run changes nothing, and no tenant
//! reaches another's rows through a partition.

use pgproof::prelude::*;
use rstest::rstest;

use crate::{PARTITIONS, settler, settler_clone};

#[rstest]
fn it_is_not_applied_unasked(#[from(settler)] mut db: Sandbox) {
    let kind = if db.context().is_with(PARTITIONS) { "p" } else { "r" };
    db.check(query("SELECT relkind FROM pg_class WHERE oid = 'audit_logs'::regclass").returns(kind));
}

#[rstest]
fn rows_are_kept_and_routed(#[from(settler_clone)] db: CloneDatabase) {
    let mut session = db.session().unwrap();
    session
        .run(
            "INSERT INTO audit_logs (event, \"timestamp\") VALUES
                 ('past', '1999-12-31 23:59:59'), ('first', '2024-01-01 00:00:00'), ('last', '2024-12-31 23:59:59.999999')",
        )
        .unwrap();
    let partitions = db.context().optional(PARTITIONS).unwrap();
    let rows = "SELECT string_agg(event || ' ' || tableoid::regclass, ', ' ORDER BY \"timestamp\") FROM audit_logs";
    for _ in 0..2 {
        db.apply(std::slice::from_ref(&partitions)).unwrap();
        let routed = session.value(rows).unwrap();
        let expected = "past audit_logs_default, first audit_logs_2024, last audit_logs_2024";
        db.observe("audit_logs", "keeps its rows, each in its partition").equals(routed.as_deref(), Some(expected));
    }
    session.run("INSERT INTO audit_logs (event, \"timestamp\") VALUES ('later', '2030-06-01')").unwrap();
    let place = "SELECT tableoid::regclass FROM audit_logs WHERE event = 'later'";
    let place = session.value(place).unwrap();
    db.observe("audit_logs", "stores a later row in its year").equals(place.as_deref(), Some("audit_logs_2030"));
}

/// An old year is removed by dropping its partition, and the main migration can be re-run afterwards.
#[rstest]
fn a_year_can_be_dropped(#[from(settler_clone)] db: CloneDatabase) {
    let partitions = db.context().optional(PARTITIONS).unwrap();
    db.apply(std::slice::from_ref(&partitions)).unwrap();
    db.session().unwrap().run("DROP TABLE audit_logs_2024").unwrap();
    let again = db.apply(&db.context().migrations().unwrap()).and_then(|_| db.apply(&[partitions]));
    let found = again.as_ref().err().map(ToString::to_string).unwrap_or_default();
    db.observe("the migrations", "run again after a year was dropped").holds(again.is_ok(), found);
}

#[rstest]
fn no_partition_is_a_way_round(#[from(settler_clone)] db: CloneDatabase) {
    db.apply(&[db.context().optional(PARTITIONS).unwrap()]).unwrap();
    let open = "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity)";
    let open = db.session().unwrap().value(open).unwrap();
    db.observe("every partition", "forces row security").equals(open.as_deref(), Some("0"));
}
