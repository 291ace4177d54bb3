//! Tables that have fewer rows in the planning database than they should, and why: a plan that reads one says so.

use std::fmt;
use std::sync::{Arc, OnceLock};

use pgproof_assertions::assertion::{Assertion, Failure, Subject};
use pgproof_assertions::pin::Pin;
use pgproof_catalog::Catalog;
use pgproof_catalog::row::RowError;
use pgproof_runner::Sandbox;
use pgproof_runner::isolation::SchemaContext;
use pgproof_sql::QualifiedName;

use super::Node;

/// A table with fewer rows than it should have.
#[derive(Debug, Clone)]
pub struct Shortage {
    /// The table.
    pub table: QualifiedName,
    /// Its partitions, which plans name instead of it.
    pub partitions: Vec<QualifiedName>,
    /// How many rows it has.
    pub rows: u64,
    /// How many it should have.
    pub wanted: u64,
    /// Why it has no more.
    pub reason: String,
    /// The same, if no row was found at all.
    pub error: Option<Arc<RowError>>,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shortage { table, rows, wanted, reason, .. } = self;
        write!(f, "table {table} has {rows} of {wanted} rows: {reason}")
    }
}

/// The shortages of a schema's planning database, once it is there.
#[derive(Debug, Default)]
struct Shortages(OnceLock<Vec<Shortage>>);

fn of(context: &SchemaContext) -> Arc<Shortages> {
    context.cache().kept()
}

/// Keeps the shortages of the planning database that was created.
pub(super) fn keep(context: &SchemaContext, found: Vec<Shortage>) {
    // A schema has one planning database in a process.
    drop(of(context).0.set(found));
}

/// The tables of a schema's planning database that have fewer rows than they should; none before it was created.
pub fn shortages(context: &SchemaContext) -> Vec<Shortage> {
    of(context).0.get().cloned().unwrap_or_default()
}

/// Notes that what a plan shows is not decided, if it reads tables that have too few rows. A plan of a table that has none
/// refutes nothing either: what keeps its rows away is returned.
pub(super) fn note(sandbox: &Sandbox, plan: &Node) -> Option<Failure> {
    let reads = |name: &QualifiedName| {
        plan.all().into_iter().any(|node| node.relation.as_deref().is_some_and(|relation| *name.name() == *relation))
    };
    let known = shortages(sandbox.context());
    let read = known.iter().filter(|shortage| reads(&shortage.table) || shortage.partitions.iter().any(reads));
    let read: Vec<_> = read.collect();
    if !read.is_empty() {
        let told: Vec<_> = read.iter().map(ToString::to_string).collect();
        sandbox.notes().undecided(format!("in the planning database {}", told.join("; ")));
    }
    let error = read.iter().filter(|shortage| shortage.rows == 0).find_map(|shortage| shortage.error.clone())?;
    Some(Failure::Row(RowError::Known(error)))
}

/// The tables of the planning database have the rows that they should have. Whatever they lack leaves it undecided.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone, Copy)]
pub struct AllRows;

impl Assertion for AllRows {
    fn subject(&self) -> Subject {
        Subject::database("planning database")
    }

    fn sentence(&self) -> String {
        "has the rows that its tables should have".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        Vec::new()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let known = shortages(sandbox.context());
        if !known.is_empty() {
            let lines: Vec<_> = known.iter().map(|shortage| format!("\n  {shortage}")).collect();
            sandbox.notes().undecided(format!("{} tables have fewer:{}", lines.len(), lines.concat()));
        }
        Ok(())
    }
}
