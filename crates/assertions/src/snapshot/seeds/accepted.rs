//! The comparison of the rows that migrations insert with those of the schema snapshot: each row of the file, and each
//! in the database, is an assertion of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pgproof_catalog::Catalog;
use pgproof_runner::{NotTried, Sandbox};
use pgproof_sql::{ObjectId, Property, QualifiedName, Target};

use super::cell::{self, Cell};
use super::found::{Found, Seeds};
use super::rows::Rows;
use crate::assertion::{Assertion, Failure, Subject, refuted_by};
use crate::pin::Pin;

/// The assertions about the rows of all tables that are in the snapshot and in the database. `accepted` holds the texts
/// of the snapshot; the table whose text cannot be read, if there is one.
pub(in crate::snapshot) fn assertions(
    accepted: &BTreeMap<ObjectId, Option<String>>,
    seeds: &Seeds,
    file: &Path,
) -> Result<Vec<RowAsAccepted>, ObjectId> {
    let mut assertions = Vec::new();
    for (table, text) in accepted {
        let nothing = || Rows::Each { columns: Vec::new(), rows: Vec::new() };
        let accepted = match text {
            Some(text) => Rows::read(text).ok_or_else(|| table.clone())?,
            None => nothing(),
        };
        let none = Found { table: table.qualified_name(), rows: nothing(), key: Vec::new() };
        let found = seeds.0.get(table).unwrap_or(&none);
        for (which, verdict) in compared(&accepted, found) {
            let (table, name, file) = (table.clone(), found.table.clone(), file.to_owned());
            assertions.push(RowAsAccepted { table, name, which, verdict, file });
        }
    }
    Ok(assertions)
}

/// A row, or the rows of a table, are as the schema snapshot has them.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub(in crate::snapshot) struct RowAsAccepted {
    pub(super) table: ObjectId,
    pub(super) name: QualifiedName,
    /// The row, as the snapshot shows what identifies it; none for all rows.
    pub(super) which: Option<String>,
    pub(super) verdict: Result<(), Differs>,
    pub(super) file: PathBuf,
}

/// What is not as accepted.
#[derive(Debug, Clone, Default)]
pub(super) struct Differs {
    pub(super) found: String,
    /// What the row holds, by column.
    pub(super) values: Vec<(String, String)>,
    /// Why nothing can be told, in a database that is in use.
    pub(super) not_tried: Option<NotTried>,
}

impl Assertion for RowAsAccepted {
    fn subject(&self) -> Subject {
        Subject::of(self.table.clone())
    }

    fn sentence(&self) -> String {
        let file = self.file.display();
        match &self.which {
            Some(row) => format!("has the row {row} as accepted in {file}"),
            None => format!("has the rows accepted in {file}"),
        }
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::looked_at(self.table.clone(), Property::Rows)]
    }

    fn check(&self, _: &mut Sandbox) -> Result<(), Failure> {
        self.verdict.clone().map_err(|differs| {
            if let Some(reason) = differs.not_tried {
                return Failure::NotTried(reason);
            }
            let target = Target::Row(self.name.clone(), differs.values);
            refuted_by(target, differs.found)
        })
    }
}

const NEXT: &str = "to accept it, or not: cargo xtask review";

type Verdicts = Vec<(Option<String>, Result<(), Differs>)>;

fn compared(accepted: &Rows, found: &Found) -> Verdicts {
    let nothing = |rows: &Rows| matches!(rows, Rows::Each { rows, .. } if rows.is_empty());
    match (accepted, &found.rows) {
        (Rows::Each { columns, rows }, Rows::Each { .. }) if rows.is_empty() => {
            let columns = if let Rows::Each { columns, .. } = &found.rows { columns } else { columns };
            by_row((columns, &[]), found)
        }
        (Rows::Each { columns, rows }, Rows::Each { .. }) => by_row((columns, rows), found),
        (was, is) if was == is => vec![(None, Ok(()))],
        (was, is) => {
            let told = |rows: &Rows| match rows {
                rows if nothing(rows) => "no row".to_owned(),
                Rows::Each { rows, .. } => format!("{} rows", rows.len()),
                Rows::Many(summary) => summary.clone(),
                Rows::Varying => "rows that differ from run to run".to_owned(),
            };
            let found = format!("there are {}, accepted are {}", told(is), told(was));
            vec![(None, Err(Differs { found, ..Differs::default() }))]
        }
    }
}

/// Row by row. Columns that only one side has are left to the assertions about columns.
fn by_row((accepted_columns, accepted): (&[String], &[Vec<Cell>]), found: &Found) -> Verdicts {
    let none = (Vec::new(), Vec::new());
    let (columns, rows) = match &found.rows {
        Rows::Each { columns, rows } if !columns.is_empty() => (columns, rows),
        _ => (&none.0, &none.1),
    };
    let columns = if columns.is_empty() { accepted_columns } else { columns };
    let shared: Vec<&String> = columns.iter().filter(|column| accepted_columns.contains(column)).collect();
    let is_key = found.key.iter().all(|column| shared.contains(&column)) && !found.key.is_empty();
    let key: Vec<&String> = if is_key { found.key.iter().collect() } else { shared.clone() };
    let (was, is) = (by_key(accepted_columns, accepted, &key, &shared), by_key(columns, rows, &key, &shared));
    let mut verdicts = Vec::new();
    for (key_cells, _) in was.iter().chain(&is).collect::<BTreeMap<_, _>>() {
        let named = key.iter().zip(key_cells);
        let shown: Vec<String> = named.clone().map(|(column, cell)| format!("{column} {cell}")).collect();
        let values = named.filter_map(|(column, cell)| Some(((*column).clone(), cell.value()?))).collect();
        let none = Vec::new();
        let (was, is) = (was.get(key_cells).unwrap_or(&none), is.get(key_cells).unwrap_or(&none));
        let verdict = differences(&shared, was, is).map_err(|found| Differs { found, values, not_tried: None });
        verdicts.push((Some(format!("({})", shown.join(", "))), verdict));
    }
    verdicts
}

fn by_key<'a>(
    columns: &[String],
    rows: &'a [Vec<Cell>],
    key: &[&String],
    shared: &[&String],
) -> BTreeMap<Vec<&'a Cell>, Vec<Vec<&'a Cell>>> {
    let mut found: BTreeMap<Vec<&Cell>, Vec<Vec<&Cell>>> = BTreeMap::new();
    for row in rows {
        let cells: BTreeMap<&String, &Cell> = columns.iter().zip(row).collect();
        let of = |wanted: &[&String]| wanted.iter().filter_map(|column| cells.get(column).copied()).collect();
        found.entry(of(key)).or_default().push(of(shared));
    }
    found
}

/// What differs in the rows with one key: if it is a key, there is at most one on each side.
fn differences(columns: &[&String], was: &[Vec<&Cell>], is: &[Vec<&Cell>]) -> Result<(), String> {
    let shown = |row: &Vec<&Cell>| cell::write(&row.iter().map(|cell| (*cell).clone()).collect::<Vec<_>>());
    match (was, is) {
        (was, is) if was == is => Ok(()),
        ([], [row]) => Err(format!("it is not in the snapshot: {}; {NEXT}", shown(row))),
        ([row], []) => Err(format!("it does not exist, accepted is {}; {NEXT}", shown(row))),
        ([was], [is]) => {
            let differing = columns.iter().zip(was.iter().zip(is)).filter(|(_, (was, is))| was != is);
            let told = differing.map(|(column, (was, is))| format!("{column} is {is}, accepted is {was}"));
            Err(told.collect::<Vec<_>>().join("\n"))
        }
        _ => Err(format!("it is there {} times, accepted is {}", is.len(), was.len())),
    }
}
