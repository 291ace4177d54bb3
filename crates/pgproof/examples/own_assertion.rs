//! A family of assertions of your own, with nothing but what `pgproof` exports: a column whose name ends in `_at` keeps
//! the moment that was stored, whatever the time zone of the session that reads it. `cargo run --example own_assertion`
//! checks it; `tests/own_assertion.rs` is how a suite tests it.

use pgproof::assertions::assertion::{Failure, Subject, failing, listed, refuted};
use pgproof::assertions::pin::Pin;
use pgproof::assertions::table::{TableRef, find};
use pgproof::assertions::testing::scratch;
use pgproof::catalog::{Catalog, Relation};
use pgproof::object::{Identifier, ObjectId, Property, QualifiedName, quote};
use pgproof::prelude::*;
use pgproof::row::{RowGenerator, Value};

/// The sentence, for tables: a suite imports this trait beside the prelude.
pub trait Moments {
    /// Each column whose name ends in `_at` keeps the moment that was stored.
    fn keeps_moments(self) -> KeepsMoments;
}

impl Moments for TableRef {
    fn keeps_moments(self) -> KeepsMoments {
        KeepsMoments { table: self.name().clone() }
    }
}

/// Each column of a table whose name ends in `_at` keeps the moment that was stored.
#[derive(Debug, Clone)]
#[must_use = "an assertion proves nothing until it is checked"]
pub struct KeepsMoments {
    table: QualifiedName,
}

/// The columns that the assertion is about.
fn moments(table: &Relation) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).filter(|name| name.ends_with("_at")).collect()
}

impl Assertion for KeepsMoments {
    fn subject(&self) -> Subject {
        Subject::table(&self.table)
    }

    fn sentence(&self) -> String {
        "keeps the moment in each column whose name ends in _at".to_owned()
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        let columns = catalog.table(&self.table).map(moments).unwrap_or_default();
        let object = |column| ObjectId::column(&self.table, Identifier::new(column));
        columns.into_iter().map(|column| Pin::acted_out(object(column), Property::Type)).collect()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let table = find(&catalog, &self.table)?;
        let columns = moments(table);
        if columns.is_empty() {
            return Err(refuted("it has no such column"));
        }
        // Whatever the check changes, rows and settings, its caller rolls back.
        sandbox.run("SET LOCAL TimeZone = 'Asia/Tokyo'")?;
        let mut generator = RowGenerator::of(sandbox)?;
        let mut wrong = Vec::new();
        for column in columns {
            let noon = Value::text("2024-07-01 12:00:00+00");
            let insert = generator.draft(sandbox, &self.table, &[(column, noon)])?.sql();
            let moment = format!("extract(epoch FROM {}::timestamptz)::bigint", quote::identifier(column));
            let found = sandbox.value(&format!("{insert} RETURNING {moment}")).map_err(failing)?;
            if found.as_deref() != Some("1719835200") {
                wrong.push(column);
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(refuted(format!("another moment is read from {}", listed(wrong)))) }
    }
}

/// A table that keeps its moments.
pub const ORDERS: &str =
    "CREATE TABLE orders (id bigint PRIMARY KEY, paid_at timestamptz NOT NULL, sent_at timestamptz)";

/// Checks the assertion as a suite does, on a database with one table instead of a schema of `pgproof.toml`.
pub fn main() {
    let mut db = scratch(ORDERS);
    db.check(table("orders").keeps_moments());
    println!("proven: table orders {}", table("orders").keeps_moments().sentence());
}
