//! The state of a database: its objects, the rows of every table, and whether each table is still the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;
use pgproof_sql::{ObjectId, ObjectKind, Property, QualifiedName};

use pgproof_catalog::{Difference, Objects};

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

/// The rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableRows {
    /// How many there are.
    pub count: u64,
    /// The digest of all of them.
    digest: String,
    /// The digests of their columns: some columns always differ between databases.
    columns: BTreeMap<String, String>,
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

/// The tables of a database, with their identities.
const TABLES: &str = "
    SELECT n.nspname, c.relname, c.oid
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')";

/// The sequences of a database, and the positions of those that have been used.
const SEQUENCES: &str = "
    SELECT schemaname, sequencename, last_value
    FROM pg_sequences WHERE last_value IS NOT NULL AND increment_by > 0";

impl State {
    /// Reads the state.
    pub fn take(session: &mut Session) -> Result<State, DatabaseError> {
        let objects = Objects::read(session)?;
        let (mut tables, mut queries) = (BTreeMap::new(), Vec::new());
        for row in session.rows(TABLES)? {
            if let [Some(schema), Some(name), Some(oid)] = row.as_slice() {
                let name = QualifiedName::in_schema(schema, name);
                let (shown, sql) = (name.to_string(), name.sql());
                tables.insert(name, oid.clone());
                let digest = "md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), ''))";
                queries.push(format!("SELECT {}, count(*), {digest} FROM ONLY {sql} t", literal(&shown)));
            }
        }
        let mut rows = BTreeMap::new();
        if !queries.is_empty() {
            for row in session.rows(&queries.join(" UNION ALL "))? {
                if let [Some(name), Some(count), Some(digest)] = row.as_slice() {
                    let (count, digest) = (count.parse().unwrap_or(0), digest.clone());
                    let name = QualifiedName::from(name);
                    let columns = match tables.get(&name) {
                        Some(oid) if count > 0 => columns(session, oid)?,
                        _ => BTreeMap::new(),
                    };
                    rows.insert(name, TableRows { count, digest, columns });
                }
            }
        }
        let sequences = session.rows(SEQUENCES)?.into_iter().filter_map(|row| match row.as_slice() {
            [Some(schema), Some(name), Some(value)] => {
                Some((QualifiedName::in_schema(schema, name), value.parse().ok()?))
            }
            _ => None,
        });
        Ok(State { objects, rows, sequences: sequences.collect(), tables })
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

/// The digest of each column of a table.
fn columns(session: &mut Session, oid: &str) -> Result<BTreeMap<String, String>, DatabaseError> {
    let query = format!(
        "SELECT string_agg(format('SELECT %L, md5(string_agg(quote_nullable(%I), E''\\n'' ORDER BY %I::text COLLATE \"C\")) FROM ONLY %s', \
             attname, attname, attname, attrelid::regclass), ' UNION ALL ') \
         FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped"
    );
    let Some(query) = session.value(&query)? else { return Ok(BTreeMap::new()) };
    let pair = |row: Vec<Option<String>>| <[Option<String>; 2]>::try_from(row).ok();
    let pairs = session.rows(&query)?.into_iter().filter_map(pair);
    Ok(pairs.filter_map(|[name, digest]| Some((name?, digest.unwrap_or_default()))).collect())
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
