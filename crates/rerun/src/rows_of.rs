//! The rows of a database as digests, and how far its sequences have come, by a number of queries that does not grow with
//! the number of tables.

use std::collections::BTreeMap;

use pgproof_catalog::Touched;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::QualifiedName;
use pgproof_sql::quote::{identifier, literal};

/// How many tables one query reads: PostgreSQL's planner is slow with thousands of branches.
const AT_ONCE: usize = 100;

/// The digest of no rows.
const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// The rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableRows {
    /// How many there are.
    pub count: u64,
    /// The digest of all of them.
    pub(super) digest: String,
    /// The digests of their columns: some columns always differ between databases.
    pub(super) columns: BTreeMap<String, String>,
}

/// A table that stores rows.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) name: QualifiedName,
    pub(super) oid: String,
    /// Whether its file has no page, so that it certainly has no row.
    is_empty: bool,
    columns: Vec<String>,
}

/// The tables that store rows, with their columns: of the whole database, or of what a transaction has touched.
pub(super) fn stored(session: &mut Session, touched: Option<&Touched>) -> Result<Vec<Stored>, DatabaseError> {
    const OF_THESE: &str = "AND c.oid = ANY ($1)";
    let sql = |which: &str| {
        format!(
            "SELECT n.nspname, c.relname, c.oid, pg_relation_size(c.oid) = 0, \
                 (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a \
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' {which} \
               AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')"
        )
    };
    let rows = match touched.map(Touched::array) {
        None => session.rows(&sql(""))?,
        Some(None) => Vec::new(),
        Some(Some(oids)) => {
            session.rows_of_prepared("pgproof_stored", "(oid[])", &sql(OF_THESE), &format!("({oids})"))?
        }
    };
    let mut tables = Vec::new();
    for row in rows {
        let [Some(schema), Some(name), Some(oid), Some(empty), columns] = row.as_slice() else { continue };
        tables.push(Stored {
            name: QualifiedName::in_schema(schema, name),
            oid: oid.clone(),
            is_empty: empty == "t",
            columns: columns.as_deref().map(columns_of).transpose()?.unwrap_or_default(),
        });
    }
    Ok(tables)
}

/// The names in a JSON array.
fn columns_of(names: &str) -> Result<Vec<String>, DatabaseError> {
    let wrong =
        |error: serde_json::Error| DatabaseError::Answer { query: names.to_owned(), problem: error.to_string() };
    serde_json::from_str(names).map_err(wrong)
}

/// The rows of these tables.
pub(super) fn digests(
    session: &mut Session,
    tables: &[Stored],
) -> Result<BTreeMap<QualifiedName, TableRows>, DatabaseError> {
    let none = || TableRows { digest: EMPTY.to_owned(), ..TableRows::default() };
    let mut rows: BTreeMap<_, _> = tables.iter().map(|table| (table.name.clone(), none())).collect();
    let with_rows: Vec<&Stored> = tables.iter().filter(|table| !table.is_empty).collect();
    for some in with_rows.chunks(AT_ONCE) {
        let whole = some.iter().enumerate().map(|(at, table)| {
            format!(
                "SELECT {at}, NULL, count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), '')) FROM ONLY {} t",
                table.name.sql()
            )
        });
        let columns = some.iter().enumerate().flat_map(|(at, table)| {
            table.columns.iter().map(move |column| {
                let (shown, name) = (literal(column), identifier(column));
                format!(
                    "SELECT {at}, {shown}, 0, md5(string_agg(quote_nullable({name}), E'\\n' ORDER BY {name}::text COLLATE \"C\")) FROM ONLY {}",
                    table.name.sql()
                )
            })
        });
        let queries: Vec<String> = whole.chain(columns).collect();
        for row in session.rows(&queries.join(" UNION ALL "))? {
            let [Some(at), column, Some(count), digest] = row.as_slice() else { continue };
            let Some(table) = at.parse().ok().and_then(|at: usize| some.get(at)) else { continue };
            let found = rows.entry(table.name.clone()).or_default();
            let digest = digest.clone().unwrap_or_default();
            if let Some(column) = column {
                found.columns.insert(column.clone(), digest);
            } else {
                (found.count, found.digest) = (count.parse().unwrap_or(0), digest);
            }
        }
    }
    for table in rows.values_mut().filter(|table| table.count == 0) {
        table.columns.clear();
    }
    Ok(rows)
}

/// The positions of the sequences that have been used: of the whole database, or of what a transaction has touched.
pub(super) fn sequences(
    session: &mut Session,
    touched: Option<&Touched>,
) -> Result<BTreeMap<QualifiedName, i64>, DatabaseError> {
    let which = match touched.map(Touched::sequences) {
        None => String::new(),
        Some(None) => return Ok(BTreeMap::new()),
        Some(Some(oids)) => format!("AND s.seqrelid = ANY ({oids})"),
    };
    let used = format!(
        "SELECT n.nspname, c.relname, CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') \
                                           THEN pg_sequence_last_value(c.oid) END \
         FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE s.seqincrement > 0 AND NOT pg_is_other_temp_schema(n.oid) {which}"
    );
    let position = |row: Vec<Option<String>>| match row.as_slice() {
        [Some(schema), Some(name), Some(value)] => Some((QualifiedName::in_schema(schema, name), value.parse().ok()?)),
        _ => None,
    };
    Ok(session.rows(&used)?.into_iter().filter_map(position).collect())
}
