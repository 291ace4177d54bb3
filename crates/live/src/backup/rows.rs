//! What a dump has to bring back besides the catalog: the rows of each table as a digest, how far the sequences have come,
//! and how many large objects there are.
//!
//! The digests of `rerun` gather a table in memory, which suits databases that a test made. Here a table may have any size:
//! the digest is a sum over its rows, which PostgreSQL computes as it reads them.

use std::collections::BTreeMap;

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::QualifiedName;
use pgproof_sql::quote::literal;
use serde::{Deserialize, Serialize};

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    /// How many there are.
    pub rows: u64,
    /// The sum of the rows' digests: it does not depend on their order.
    pub digest: String,
}

/// How far a sequence had come while the dump was made. Sequences belong to no snapshot: it may have gone on meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The number that it would have given next, before.
    pub before: i64,
    /// The same, afterwards.
    pub after: i64,
}

impl Position {
    /// Whether a sequence that gives this number next is where it was.
    pub fn contains(&self, next: i64) -> bool {
        (self.before.min(self.after)..=self.before.max(self.after)).contains(&next)
    }
}

/// Settings on which the text of a value depends.
const AS_TEXT: &str =
    "SET search_path TO ''; SET timezone TO 'UTC'; SET datestyle TO 'ISO, MDY'; SET intervalstyle TO 'postgres';
    SET extra_float_digits TO 1; SET bytea_output TO 'hex'; SET lc_monetary TO 'C'; SET xmlbinary TO 'base64';
    SET row_security TO off; SET statement_timeout TO 0; SET lock_timeout TO '60s'";

/// Tables that store rows and that a dump contains: not the contents of views, and not what extensions brought.
const TABLES: &str = "SELECT n.nspname, c.relname, row_security_active(c.oid) AS hidden
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2";

const SEQUENCES: &str = "SELECT n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2";

/// Makes a session print values in one way everywhere, and never leave out rows silently. How long a table takes to read is
/// not limited: its size is not. It waits for a lock as long as `pg_dump` does.
pub(super) fn prepare(session: &mut Session) -> Result<(), DatabaseError> {
    session.run(AS_TEXT)
}

/// The tables of which row security hides rows from the session's role.
pub(super) fn hidden(session: &mut Session) -> Result<Vec<QualifiedName>, DatabaseError> {
    named(session, &format!("SELECT nspname, relname FROM ({TABLES}) AS t WHERE hidden"))
}

/// The tables that store rows.
pub(super) fn tables(session: &mut Session) -> Result<Vec<QualifiedName>, DatabaseError> {
    named(session, &format!("SELECT nspname, relname FROM ({TABLES}) AS t"))
}

/// The digest of a table. In a transaction, its lock on the table is released at once: a dump that waited behind somebody
/// who waits for that lock would wait forever.
pub(super) fn digest(session: &mut Session, table: &QualifiedName) -> Result<TableDigest, DatabaseError> {
    let digest = "('x' || left(md5(convert_to(ROW(r.*)::text, 'UTF8')), 16))::bit(64)::bigint";
    let sql = format!(
        "SAVEPOINT digest; SELECT count(*), coalesce(sum({digest}), 0) FROM ONLY {} AS r; ROLLBACK TO digest; RELEASE digest",
        table.sql()
    );
    let rows = session.rows(&sql)?;
    let wrong = || DatabaseError::Answer { query: sql.clone(), problem: format!("{rows:?}") };
    let [Some(count), Some(digest)] = rows.first().map(Vec::as_slice).unwrap_or_default() else { return Err(wrong()) };
    Ok(TableDigest { rows: count.parse().map_err(|_| wrong())?, digest: digest.clone() })
}

/// The number that each sequence gives next.
pub(super) fn sequences(session: &mut Session) -> Result<BTreeMap<QualifiedName, i64>, DatabaseError> {
    let names = named(session, SEQUENCES)?;
    let mut found = BTreeMap::new();
    // Thousands of branches are slow to plan.
    for some in names.chunks(100) {
        let one = |(at, name): (usize, &QualifiedName)| {
            format!(
                "SELECT {at}, least(CASE WHEN is_called THEN last_value::numeric + seqincrement ELSE last_value END, {}) \
                 FROM {}, pg_sequence WHERE seqrelid = {}::regclass",
                i64::MAX,
                name.sql(),
                literal(&name.sql())
            )
        };
        let sql: Vec<String> = some.iter().enumerate().map(one).collect();
        for row in session.rows(&sql.join(" UNION ALL "))? {
            let [Some(at), Some(next)] = row.as_slice() else { continue };
            if let (Ok(at), Ok(next)) = (at.parse::<usize>(), next.parse()) {
                found.extend(some.get(at).map(|name| (name.clone(), next)));
            }
        }
    }
    Ok(found)
}

/// How many large objects there are.
pub(super) fn large_objects(session: &mut Session) -> Result<u64, DatabaseError> {
    let count = session.value("SELECT count(*) FROM pg_largeobject_metadata")?;
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
}

fn named(session: &mut Session, sql: &str) -> Result<Vec<QualifiedName>, DatabaseError> {
    let name = |row: Vec<Option<String>>| match row.as_slice() {
        [Some(schema), Some(name)] => Some(QualifiedName::in_schema(schema, name)),
        _ => None,
    };
    Ok(session.rows(sql)?.into_iter().filter_map(name).collect())
}
