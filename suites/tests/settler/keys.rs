//! Primary keys, unique keys and references, each tested with real rows.

use pgproof::prelude::*;
use rstest::rstest;
use serde::Deserialize;

use crate::{PARTITIONS, settler};

/// A line of `keys.csv`.
#[derive(Debug, Deserialize)]
struct Key {
    table: String,
    kind: String,
    columns: String,
    constraint: String,
}

fn keys(db: &Sandbox, kind: &str) -> Vec<Key> {
    let partitioned = db.context().is_with(PARTITIONS);
    let keys = picked(db, "keys.csv", |key: &Key| key.kind == kind);
    keys.into_iter()
        .map(|mut key| {
            if partitioned && key.table == "audit_logs" {
                "id;timestamp".clone_into(&mut key.columns);
            }
            key
        })
        .collect()
}

#[rstest]
fn primary_keys(#[from(settler)] mut db: Sandbox) {
    let keys = keys(&db, "primary");
    assert_eq!(keys.len(), 28);
    db.check_all(keys.iter().map(|key| table(&key.table).primary_key(key.columns.split(';')).named(&key.constraint)));
}

#[rstest]
fn unique_keys(#[from(settler)] mut db: Sandbox) {
    let keys = keys(&db, "unique");
    db.check_all(keys.iter().map(|key| table(&key.table).unique(key.columns.split(';')).named(&key.constraint)));
}

#[rstest]
fn references(#[from(settler)] mut db: Sandbox) {
    let keys: Vec<ForeignKeyLine> = expected(&db, "foreign_keys.csv");
    db.check_all(keys.iter().map(ForeignKeyLine::assertion));
}

/// The fixtures name every key in the schema: a new one needs a line.
#[rstest]
fn no_key_goes_unproven(#[from(settler)] mut db: Sandbox) {
    let (unique, references) = (keys(&db, "unique").len(), expected::<ForeignKeyLine>(&db, "foreign_keys.csv").len());
    let count = |kind: char| {
        format!(
            "SELECT count(*) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
             WHERE contype = '{kind}' AND connamespace = 'public'::regnamespace AND NOT c.relispartition AND conparentid = 0"
        )
    };
    db.check(query(count('p')).returns("28"));
    db.check(query(count('u')).returns(unique.to_string()));
    db.check(query(count('f')).returns(references.to_string()));
}
