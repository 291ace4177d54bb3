//! A row for every table of `fixtures/rows`, and for its impossible tables the reason why there is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use pgproof_catalog::{Catalog, row::RowError, row::RowGenerator};
use pgproof_runner::Sandbox;
use pgproof_sql::{QualifiedName, with_causes};

/// How many rows each table must take: the first may be an accident of the literals.
const ROWS: usize = 2;

fn sandbox(file: &str) -> Sandbox {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rows").join(file);
    let sql = std::fs::read_to_string(&path).unwrap();
    Sandbox::scratch(&sql).unwrap_or_else(|error| panic!("{file}: {}", with_causes(&error)))
}

fn tables(db: &mut Sandbox) -> Vec<QualifiedName> {
    let catalog = Catalog::of(db).unwrap();
    catalog.tables().map(|table| catalog.shown(&table.qualified_name())).collect()
}

/// Inserts `count` rows in a table and rolls them back. The first row is accepted or the table has none.
fn rows(db: &mut Sandbox, table: &QualifiedName, count: usize) -> Result<(), RowError> {
    db.undone(|db| {
        let mut generator = RowGenerator::of(db)?;
        for number in 0..count {
            match generator.insert(db, table, &[]) {
                // A table may have room for one row only.
                Err(RowError::Unsatisfiable { .. } | RowError::Refused { .. }) if number > 0 => break,
                other => drop(other?),
            }
        }
        Ok(db.run("SET CONSTRAINTS ALL IMMEDIATE")?)
    })
}

/// The tables of a file that got no row, each with the reason, and the time that the slowest took.
fn failures(file: &str) -> (usize, String) {
    let mut db = sandbox(file);
    let mut failed = String::new();
    let tables = tables(&mut db);
    let (mut slowest, started) = ((0, String::new()), Instant::now());
    for table in &tables {
        let begun = Instant::now();
        let made = rows(&mut db, table, ROWS);
        slowest = slowest.max((begun.elapsed().as_millis(), table.to_string()));
        // All rows that its CHECK allows are there; other tables reference them.
        if table.to_string() == "priorities" {
            assert!(matches!(made, Err(RowError::Unsatisfiable { .. })));
        } else if let Err(error) = made {
            writeln!(failed, "{file}: {table}: {}", with_causes(&error).replace('\n', " | ")).unwrap();
        }
    }
    println!(
        "{file}: {} of {} tables have rows, in {} ms; the slowest, {}, took {} ms",
        tables.len() - failed.lines().count(),
        tables.len(),
        started.elapsed().as_millis(),
        slowest.1,
        slowest.0
    );
    (tables.len(), failed)
}

#[test]
fn every_table_gets_a_row() {
    const FILES: &[&str] =
        &["types.sql", "checks.sql", "keys.sql", "partitions.sql", "seeds.sql", "triggers.sql", "schemas.sql"];
    let (counts, failed): (Vec<_>, Vec<_>) = FILES.iter().map(|file| failures(file)).unzip();
    let failed = failed.concat();
    let (all, without) = (counts.iter().sum::<usize>(), failed.lines().count());
    println!("{} of {all} tables have rows", all - without);
    assert!(failed.is_empty(), "{without} of {all} tables have no row:\n{failed}");
}

#[test]
fn a_table_without_rows_says_why() {
    let mut db = sandbox("impossible.sql");
    let mut reasons = String::new();
    for table in tables(&mut db) {
        let begun = Instant::now();
        match rows(&mut db, &table, 1) {
            Ok(()) => writeln!(reasons, "{table}: a row").unwrap(),
            Err(error) => writeln!(reasons, "{table}: {}", with_causes(&error)).unwrap(),
        }
        println!("impossible.sql: {table} took {} ms", begun.elapsed().as_millis());
    }
    insta::assert_snapshot!(reasons);
}
