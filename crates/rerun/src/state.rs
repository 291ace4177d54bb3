//! The state of a database: its objects, the rows of every table, and whether each table is still the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{ObjectId, ObjectKind, Property, QualifiedName};

use pgproof_catalog::{Difference, Objects, Touched};

use super::rows_of::{Stored, TableRows, digests, sequences, stored};

/// The state of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its objects.
    pub objects: Objects,
    /// The rows of each table.
    pub rows: BTreeMap<QualifiedName, TableRows>,
    /// The current position of each sequence.
    pub sequences: BTreeMap<QualifiedName, i64>,
    /// The OID of each table: a table that is dropped and re-created has a new OID, and its rows are lost.
    pub tables: BTreeMap<QualifiedName, String>,
}

/// Columns, by table, whose values differ between two databases created in the same way: random keys and times.
pub type Volatile = BTreeMap<QualifiedName, BTreeSet<String>>;

/// What differs between two states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An object.
    Object(Difference),
    /// The rows of a table: how many there were and how many there are.
    Rows {
        /// The table.
        table: QualifiedName,
        /// How many rows it had.
        was: u64,
        /// How many it has.
        is: u64,
    },
    /// A table was dropped and re-created: its rows are lost.
    Recreated(QualifiedName),
    /// A sequence returns numbers that it has already returned.
    SetBack {
        /// The sequence.
        sequence: QualifiedName,
        /// Its previous position.
        was: i64,
        /// Its current position.
        is: i64,
    },
}

impl State {
    /// Reads the state.
    pub fn take(session: &mut Session) -> Result<State, DatabaseError> {
        let objects = Objects::read(session)?;
        State::with(session, objects, None)
    }

    /// Reads the part of the state that a transaction has touched.
    pub fn of_touched(session: &mut Session, touched: &Touched) -> Result<State, DatabaseError> {
        let objects = Objects::of_touched(session, touched)?;
        State::with(session, objects, Some(touched))
    }

    fn with(session: &mut Session, objects: Objects, touched: Option<&Touched>) -> Result<State, DatabaseError> {
        let stored = stored(session, touched)?;
        let sequences = sequences(session, touched)?;
        let name = |table: &Stored| table.name.clone();
        let tables = stored.iter().map(|table| (name(table), table.oid.clone())).collect();
        Ok(State { objects, rows: digests(session, &stored)?, sequences, tables })
    }

    /// The diff from an earlier state of the same database: objects, rows, and re-created tables.
    pub fn changes_since(&self, before: &State) -> Vec<Change> {
        let mut changes = self.objects_from(before);
        changes.extend(self.rows_from(before, |is, was, _| is == was));
        let anew = self.tables.iter().filter(|(name, oid)| before.tables.get(*name).is_some_and(|was| was != *oid));
        changes.extend(anew.map(|(name, _)| Change::Recreated(name.clone())));
        // A restarted sequence has no position; a dropped one is reported as an object.
        let there = |name: &QualifiedName| self.objects.contains(&ObjectId::new(ObjectKind::Sequence, name));
        let set_back = before.sequences.iter().filter(|(name, _)| there(name)).filter_map(|(name, was)| {
            let is = self.sequences.get(name).copied().unwrap_or(0);
            (is < *was).then(|| Change::SetBack { sequence: name.clone(), was: *was, is })
        });
        changes.extend(set_back);
        changes
    }

    /// The diff from a state of another database, or of this one before its rows were re-created. Values that always
    /// differ are ignored.
    pub fn changes_from(&self, other: &State, volatile: &Volatile) -> Vec<Change> {
        let mut changes = self.objects_from(other);
        changes.extend(self.rows_from(other, |is, was, table| {
            let counts = |column: &String| !volatile.get(table).is_some_and(|columns| columns.contains(column));
            let differs =
                |(column, digest): (&String, &String)| counts(column) && was.columns.get(column) != Some(digest);
            let whole = volatile.get(table).is_none_or(BTreeSet::is_empty);
            let same = if whole { is.digest == was.digest } else { !is.columns.iter().any(differs) };
            is.count == was.count && same
        }));
        changes
    }

    /// The columns whose values differ between two databases created in the same way.
    pub fn volatile(&self, other: &State) -> Volatile {
        let of_table = |(table, rows): (&QualifiedName, &TableRows)| {
            let twin = other.rows.get(table)?;
            let differs = rows.columns.iter().filter(|(column, digest)| twin.columns.get(*column) != Some(digest));
            Some((table.clone(), differs.map(|(column, _)| column.clone()).collect()))
        };
        self.rows.iter().filter_map(of_table).collect()
    }

    fn objects_from(&self, other: &State) -> Vec<Change> {
        self.objects.differences_from(&other.objects).into_iter().map(Change::Object).collect()
    }

    fn rows_from(&self, other: &State, same: impl Fn(&TableRows, &TableRows, &QualifiedName) -> bool) -> Vec<Change> {
        let differs = |(table, is): (&QualifiedName, &TableRows)| {
            let was = other.rows.get(table).filter(|was| !same(is, was, table))?;
            Some(Change::Rows { table: table.clone(), was: was.count, is: is.count })
        };
        self.rows.iter().filter_map(differs).collect()
    }
}

impl Change {
    /// The object concerned, the property if there is one, and the kind of difference.
    pub fn identity(&self) -> (ObjectId, Option<Property>, pgproof_sql::Change) {
        use pgproof_sql::Change::{Altered, Removed};
        match self {
            Change::Object(difference) => (difference.object().clone(), difference.property(), difference.change()),
            Change::Rows { table, .. } => (ObjectId::table(table), Some(Property::Rows), Altered),
            Change::Recreated(table) => (ObjectId::table(table), Some(Property::Rows), Removed),
            Change::SetBack { sequence, .. } => {
                (ObjectId::new(ObjectKind::Sequence, sequence), Some(Property::Start), Altered)
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Change::Object(difference) = self {
            return write!(f, "{difference}");
        }
        let (object, ..) = self.identity();
        match self {
            Change::Rows { was, is, .. } if was == is => write!(f, "{object}: rows have other values"),
            Change::Rows { was, is, .. } => write!(f, "{object}: it has {is} rows, had {was}"),
            Change::SetBack { was, is, .. } => {
                write!(f, "{object} was set back from {was} to {is}: it gives numbers that are already used")
            }
            Change::Recreated(_) => write!(f, "{object} was dropped and re-created: its rows are gone"),
            Change::Object(_) => Ok(()),
        }
    }
}
