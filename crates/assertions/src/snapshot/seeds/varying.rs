//! Which values of a table are the same in every run: those that are the same after the migrations have been applied to
//! another database, on another day of the calendar, and that no default gives which is not a constant.

use std::collections::BTreeMap;

use pgproof_catalog::{Catalog, Column, Relation};
use pgproof_server::{DatabaseError, Session};

use super::cell::Cell;
use super::defaults::{default_now, given};
use super::read::{Content, Face, Value, digest};
use super::rows::Rows;

/// The rows of a table as a snapshot holds them, and the columns that identify one. `session` is inside a transaction in
/// the database that `first` was read from; without `second`, the catalog alone decides.
pub(super) fn rows(
    session: &mut Session,
    catalog: &Catalog,
    table: &Relation,
    first: &Content,
    second: Option<&Content>,
) -> Result<(Rows, Vec<String>), DatabaseError> {
    match (first, second) {
        (Content::Each(first), Some(Content::Each(second))) if first.len() == second.len() => {
            each(session, catalog, table, first, Some(second))
        }
        (Content::Each(first), None) => each(session, catalog, table, first, None),
        (Content::Many { count, digests }, Some(Content::Many { count: other, digests: others })) if count == other => {
            let faces = digests.iter().zip(others).map(|(one, other)| face(one, other));
            Ok((many(session, table, count, faces)?, Vec::new()))
        }
        (Content::Many { count, .. }, None) => {
            let faces = given(session, table)?.into_iter();
            Ok((many(session, table, count, faces)?, Vec::new()))
        }
        _ => Ok((Rows::Varying, Vec::new())),
    }
}

fn many(
    session: &mut Session,
    table: &Relation,
    count: &str,
    faces: impl Iterator<Item = Option<Face>>,
) -> Result<Rows, DatabaseError> {
    let columns: Vec<(&Column, Face)> =
        table.columns.iter().zip(faces).filter_map(|(column, face)| Some((column, face?))).collect();
    let digest = digest(session, table, &columns)?;
    let names: Vec<&str> = columns.iter().map(|(column, _)| column.name.as_str()).collect();
    Ok(Rows::Many(format!("{count} rows, digest {digest} of {}", names.join(", "))))
}

fn each(
    session: &mut Session,
    catalog: &Catalog,
    table: &Relation,
    first: &[Vec<Value>],
    second: Option<&[Vec<Value>]>,
) -> Result<(Rows, Vec<String>), DatabaseError> {
    let columns = &table.columns;
    let faces: Vec<Option<Face>> = match second {
        Some(second) => (0..columns.len()).map(|at| column_face(first, second, at)).collect(),
        None => given(session, table)?,
    };
    let mut key = keys(catalog, table).find(|key| is_key(first, key, &faces)).unwrap_or_default();
    let partners = second.filter(|_| !key.is_empty()).and_then(|second| partners(first, second, &key, &faces));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (number, row) in first.iter().enumerate() {
        let partner = partners.as_ref().and_then(|partners| partners.get(number).copied());
        let cells = row.iter().zip(columns).enumerate().map(|(at, (value, column))| {
            let other = partner.and_then(|partner| partner.get(at));
            let face = other.map_or_else(|| faces.get(at).copied().flatten(), |other| face(value, other));
            face.map_or_else(Cell::varying, |face| Cell::of(column, text(value, face)))
        });
        rows.push(cells.collect());
    }
    for (at, column) in columns.iter().enumerate() {
        let Some(default) = default_now(session, table, column)? else { continue };
        for (row, values) in rows.iter_mut().zip(first) {
            if let (Some(cell), true) = (row.get_mut(at), values.get(at) == Some(&default)) {
                *cell = Cell::varying();
            }
        }
    }
    if rows.iter().any(|row| key.iter().any(|at| row.get(*at).is_none_or(Cell::varies))) {
        key.clear();
    }
    let of_key = |row: &Vec<Cell>| key.iter().filter_map(|at| row.get(*at).cloned()).collect::<Vec<_>>();
    rows.sort_by(|one, other| of_key(one).cmp(&of_key(other)).then_with(|| one.cmp(other)));
    let name = |at: &usize| columns.get(*at).map(|column| column.name.clone());
    let key = key.iter().filter_map(name).collect();
    Ok((Rows::Each { columns: columns.iter().map(|column| column.name.clone()).collect(), rows }, key))
}

/// The columns of the primary key, then those of other unique keys.
pub(super) fn keys<'a>(catalog: &'a Catalog, table: &'a Relation) -> impl Iterator<Item = Vec<usize>> + 'a {
    let mut indexes: Vec<_> =
        catalog.indexes_of(table).filter(|index| index.unique && index.valid && index.predicate.is_none()).collect();
    indexes.sort_by_key(|index| (!index.primary, &index.name));
    let position = |name: &String| table.columns.iter().position(|column| column.name == *name);
    indexes.into_iter().filter_map(move |index| {
        index.keys.iter().map(|key| key.column.as_ref().and_then(position)).collect::<Option<Vec<usize>>>()
    })
}

/// Whether these columns identify each row in every run.
fn is_key(rows: &[Vec<Value>], key: &[usize], faces: &[Option<Face>]) -> bool {
    key.iter().all(|at| faces.get(*at).is_some_and(Option::is_some))
        && rows.iter().all(|row| key.iter().all(|at| row.get(*at).is_some_and(|value| value.utc.is_some())))
}

/// The row of `second` with the same key, for each of `first`; none if one is missing.
fn partners<'a>(
    first: &[Vec<Value>],
    second: &'a [Vec<Value>],
    key: &[usize],
    faces: &[Option<Face>],
) -> Option<Vec<&'a Vec<Value>>> {
    let of = |row: &Vec<Value>| -> Option<Vec<Option<String>>> {
        key.iter().map(|at| Some(text(row.get(*at)?, faces.get(*at).copied()??).map(str::to_owned))).collect()
    };
    let by_key: BTreeMap<_, _> = second.iter().filter_map(|row| Some((of(row)?, row))).collect();
    first.iter().map(|row| by_key.get(&of(row)?).copied()).collect()
}

/// In which text a column has the same values in both.
fn column_face(first: &[Vec<Value>], second: &[Vec<Value>], at: usize) -> Option<Face> {
    let sorted = |rows: &[Vec<Value>], face| {
        let mut texts: Vec<Option<String>> =
            rows.iter().filter_map(|row| row.get(at)).map(|value| text(value, face).map(str::to_owned)).collect();
        texts.sort();
        texts
    };
    [Face::Utc, Face::Local].into_iter().find(|face| sorted(first, *face) == sorted(second, *face))
}

/// In which text two values are the same.
fn face(one: &Value, other: &Value) -> Option<Face> {
    [Face::Utc, Face::Local].into_iter().find(|face| text(one, *face) == text(other, *face))
}

fn text(value: &Value, face: Face) -> Option<&str> {
    match face {
        Face::Utc => value.utc.as_deref(),
        Face::Local => value.local.as_deref(),
    }
}
