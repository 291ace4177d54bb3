//! Reads the rows of all tables of a database: each row of a table that has few, digests of one that has many.

use std::collections::BTreeMap;

use pgproof_catalog::{Catalog, Column, Relation, RelationKind, printed_alike};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::{identifier, literal};

/// A table with more rows is shown by their number and a digest.
pub(super) const MOST: usize = 200;

/// A value in text form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// A moment: in UTC.
    pub utc: Option<String>,
    /// A moment: as a clock in the time zone of the database shows it, in which the migrations ran. What a migration
    /// writes without a time zone is the same moment there, and another one elsewhere.
    pub local: Option<String>,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Each(Vec<Vec<Value>>),
    Many {
        count: String,
        /// Of each column.
        digests: Vec<Value>,
    },
}

/// Which of the two texts of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Utc,
    Local,
}

/// The tables whose rows are their own: of a partitioned table, the whole.
pub(super) fn tables(catalog: &Catalog) -> impl Iterator<Item = &Relation> {
    catalog.tables().filter(|table| !table.is_partition)
}

/// What the tables with rows hold, by their names as SQL.
pub(super) fn read(session: &mut Session, catalog: &Catalog) -> Result<BTreeMap<String, Content>, DatabaseError> {
    let counts: Vec<String> = tables(catalog)
        .map(|table| {
            let few = format!("SELECT FROM {} LIMIT {}", source(table), MOST + 1);
            format!("SELECT {}, count(*) FROM ({few}) AS few", literal(&table.sql()))
        })
        .collect();
    let mut found = BTreeMap::new();
    if counts.is_empty() {
        return Ok(found);
    }
    let counts: BTreeMap<String, usize> = session
        .rows(&counts.join(" UNION ALL "))?
        .into_iter()
        .filter_map(|row| Some((row.first()?.clone()?, row.get(1)?.as_ref()?.parse().ok()?)))
        .collect();
    let zone = zone(session)?;
    for table in tables(catalog) {
        let content = match counts.get(&table.sql()) {
            None | Some(0) => continue,
            Some(count) if *count <= MOST => printed_alike(session, |session| each(session, table, &zone))?,
            Some(_) => printed_alike(session, |session| many(session, table, &zone))?,
        };
        found.insert(table.sql(), content);
    }
    Ok(found)
}

/// The time zone of a database.
pub(super) fn zone(session: &mut Session) -> Result<String, DatabaseError> {
    Ok(session.value("SELECT current_setting('timezone')")?.unwrap_or_default())
}

fn each(session: &mut Session, table: &Relation, zone: &str) -> Result<Content, DatabaseError> {
    let columns = &table.columns;
    let of = |face| columns.iter().map(move |column| text(column, face, zone));
    let texts: Vec<String> = of(Face::Utc).chain(of(Face::Local)).collect();
    let rows = session.rows(&format!("SELECT {} FROM {}", texts.join(", "), source(table)))?;
    let values = |row: Vec<Option<String>>| {
        let (utc, local) = row.split_at(columns.len().min(row.len()));
        let pairs = utc.iter().zip(local);
        pairs.map(|(utc, local)| Value { utc: utc.clone(), local: local.clone() }).collect()
    };
    Ok(Content::Each(rows.into_iter().map(values).collect()))
}

fn many(session: &mut Session, table: &Relation, zone: &str) -> Result<Content, DatabaseError> {
    let of = |face| table.columns.iter().map(move |column| sum_of(&text(column, face, zone)));
    let sums: Vec<String> = ["count(*)".to_owned()].into_iter().chain(of(Face::Utc)).chain(of(Face::Local)).collect();
    let row = session.rows(&format!("SELECT {} FROM {}", sums.join(", "), source(table)))?.into_iter().next();
    let row = row.unwrap_or_default();
    let (count, sums) = row.split_first().map_or((None, [].as_slice()), |(count, sums)| (count.clone(), sums));
    let (utc, local) = sums.split_at(table.columns.len().min(sums.len()));
    let digests = utc.iter().zip(local).map(|(utc, local)| Value { utc: utc.clone(), local: local.clone() }).collect();
    Ok(Content::Many { count: count.unwrap_or_default(), digests })
}

/// A digest of the rows of a table in some of its columns.
pub(super) fn digest(
    session: &mut Session,
    table: &Relation,
    columns: &[(&Column, Face)],
) -> Result<String, DatabaseError> {
    let zone = zone(session)?;
    let texts = columns.iter().map(|(column, face)| format!("quote_nullable({})", text(column, *face, &zone)));
    let row = format!("concat_ws(',', {})", texts.chain(["''".to_owned()]).collect::<Vec<_>>().join(", "));
    let sql = format!("SELECT left(md5(({})::text), 16) FROM {}", sum_of(&row), source(table));
    Ok(printed_alike(session, |session| session.value(&sql))?.unwrap_or_default())
}

/// A digest that does not depend on the order of rows.
fn sum_of(text: &str) -> String {
    format!("sum(('x' || left(md5(coalesce({text}, chr(1))), 15))::bit(60)::bigint)")
}

pub(super) fn text(column: &Column, face: Face, zone: &str) -> String {
    text_of(&identifier(&column.name), &column.ty.base, face, zone)
}

/// The text of a value of this type, which `name` gives.
pub(super) fn text_of(name: &str, ty: &str, face: Face, zone: &str) -> String {
    let is_moment = ty.starts_with("timestamp") && ty.ends_with("with time zone");
    if is_moment && face == Face::Local {
        return format!("({name} AT TIME ZONE {})::text", literal(zone));
    }
    format!("{name}::text")
}

pub(super) fn source(table: &Relation) -> String {
    let only = if table.kind == RelationKind::PartitionedTable { "" } else { "ONLY " };
    format!("{only}{}", table.sql())
}
