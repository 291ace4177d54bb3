//! The rows of all tables as they were after the last statement, and what the next one changed.

use std::collections::BTreeMap;

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::QualifiedName;
use pgproof_sql::quote::{identifier, literal};

use super::Table;
use crate::printing::printed_alike;

/// From this many rows on, it is only known that some row of the table was changed.
const MOST_ROWS: u64 = 1000;

/// From this many bytes on, the size alone shows a change.
const MOST_BYTES: u64 = 8 << 20;

/// The values of a row in their text form, by the number of the column.
type Row = BTreeMap<i16, Option<String>>;

/// What a statement changed in the rows of a table.
#[derive(Debug)]
pub(super) enum Change {
    /// These rows: as they were before, and as they are since.
    Rows(Vec<Row>),
    /// Some of its many rows.
    Some,
}

impl Change {
    /// Whether a row with these values was changed.
    pub(super) fn concerns(&self, wanted: &[(i16, &String)]) -> bool {
        match self {
            Change::Some => true,
            Change::Rows(rows) => rows.iter().any(|row| {
                wanted.iter().all(|(column, value)| row.get(column).is_some_and(|is| is.as_ref() == Some(value)))
            }),
        }
    }
}

/// What was seen of each table, by its OID.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<String, SeenTable>);

#[derive(Default)]
struct SeenTable {
    table: Table,
    sql: String,
    size: u64,
    /// The number of its rows and a digest of their versions; none if its file is empty.
    version: Option<(u64, String)>,
    /// Its rows, if they are few.
    rows: Option<Vec<Row>>,
}

impl Seen {
    /// Reads the rows of the tables that statement number `at` touched.
    pub(super) fn look(&mut self, session: &mut Session, at: usize) -> Result<(), DatabaseError> {
        let exist = self.list(session)?;
        let queries: Vec<String> = exist.iter().filter_map(|oid| Some(version_query(oid, self.0.get(oid)?))).collect();
        let mut versions = BTreeMap::new();
        if !queries.is_empty() {
            for row in session.rows(&queries.join(" UNION ALL "))? {
                if let [Some(oid), Some(count), Some(digest)] = row.as_slice() {
                    versions.insert(oid.clone(), (count.parse().unwrap_or(u64::MAX), digest.clone()));
                }
            }
        }
        for (oid, seen) in &mut self.0 {
            let version = versions.remove(oid);
            if version != seen.version {
                let count = version.as_ref().map_or(0, |(count, _)| *count);
                let rows = match count {
                    0 => Some(Vec::new()),
                    1..=MOST_ROWS => Some(printed_alike(session, |session| seen.read(session))?),
                    _ => None,
                };
                seen.record(at, rows);
                seen.version = version;
            }
        }
        Ok(())
    }

    /// Brings names and columns up to date; returns the tables that have rows.
    fn list(&mut self, session: &mut Session) -> Result<Vec<String>, DatabaseError> {
        let mut found: Vec<String> = Vec::new();
        for row in session.rows(include_str!("tables.sql"))? {
            let [Some(oid), Some(schema), Some(name), in_schema, part_of, Some(size), Some(number), Some(column)] =
                row.as_slice()
            else {
                continue;
            };
            let seen = self.0.entry(oid.clone()).or_default();
            if found.last() != Some(oid) {
                found.push(oid.clone());
                let name = QualifiedName::in_schema(schema, name);
                seen.sql = name.sql();
                seen.size = size.parse().unwrap_or(u64::MAX);
                seen.table.names = vec![name];
                let root = in_schema.as_ref().zip(part_of.as_ref());
                seen.table.names.extend(root.map(|(schema, name)| QualifiedName::in_schema(schema, name)));
                seen.table.columns.clear();
            }
            seen.table.columns.insert(column.clone(), number.parse().unwrap_or(0));
        }
        found.retain(|oid| self.0.get(oid).is_some_and(|seen| seen.size > 0));
        Ok(found)
    }

    /// What happened to each table, under the names that the tables have in the end.
    pub(super) fn into_tables(mut self, session: &mut Session) -> Result<Vec<Table>, DatabaseError> {
        self.list(session)?;
        Ok(self.0.into_values().map(|seen| seen.table).collect())
    }
}

/// The number of rows of a table and a digest of their versions.
fn version_query(oid: &str, seen: &SeenTable) -> String {
    let SeenTable { sql, size, .. } = seen;
    if *size > MOST_BYTES {
        return format!("SELECT {}, {}, {}", literal(oid), i64::MAX, literal(&size.to_string()));
    }
    let versions = "string_agg(concat_ws(' ', t.xmin, t.ctid), ',' ORDER BY t.ctid)";
    format!("SELECT {}, count(*), coalesce(md5({versions}), '') FROM ONLY {sql} t", literal(oid))
}

impl SeenTable {
    fn read(&self, session: &mut Session) -> Result<Vec<Row>, DatabaseError> {
        let numbers: Vec<i16> = self.table.columns.values().copied().collect();
        let texts: Vec<String> = self.table.columns.keys().map(|name| format!("{}::text", identifier(name))).collect();
        let rows = session.rows(&format!("SELECT {} FROM ONLY {}", texts.join(", "), self.sql))?;
        Ok(rows.into_iter().map(|row| numbers.iter().copied().zip(row).collect()).collect())
    }

    fn record(&mut self, at: usize, rows: Option<Vec<Row>>) {
        let before = std::mem::replace(&mut self.rows, rows);
        // At first there is no row.
        let none = Vec::new();
        let before = before.as_ref().or(self.version.is_none().then_some(&none));
        let change = match (before, &self.rows) {
            (Some(before), Some(after)) => Change::Rows(differing(before, after)),
            _ => Change::Some,
        };
        if !matches!(&change, Change::Rows(rows) if rows.is_empty()) {
            self.table.changes.push((at, change));
        }
    }
}

/// The rows that are in one of the lists only, compared by the columns of both: a column that is added changes no row.
fn differing(before: &[Row], after: &[Row]) -> Vec<Row> {
    let (old, new) = (before.first(), after.first());
    let in_both = |row: &Row| -> Row {
        let is_shared = |column: &i16| [old, new].into_iter().flatten().all(|row| row.contains_key(column));
        row.iter().filter(|(column, _)| is_shared(column)).map(|(column, value)| (*column, value.clone())).collect()
    };
    let mut counted: BTreeMap<Row, Vec<&Row>> = BTreeMap::new();
    let mut changed = Vec::new();
    for row in before {
        counted.entry(in_both(row)).or_default().push(row);
    }
    for row in after {
        if counted.get_mut(&in_both(row)).and_then(Vec::pop).is_none() {
            changed.push(row.clone());
        }
    }
    changed.extend(counted.into_values().flatten().cloned());
    changed
}
