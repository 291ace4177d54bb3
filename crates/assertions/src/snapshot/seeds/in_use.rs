//! The rows of the schema snapshot in a database that is in use: each is there, with the values that were accepted. Which
//! values vary, the snapshot says. Rows beyond those are the application's, and are neither read nor judged.

use std::collections::BTreeMap;
use std::path::Path;

use pgproof_catalog::{Catalog, Column, Relation, printed_alike};
use pgproof_runner::NotTried;
use pgproof_server::{DatabaseError, Reported, Session, SqlState};
use pgproof_sql::ObjectId;
use pgproof_sql::quote::{identifier, literal};

use super::accepted::{Differs, RowAsAccepted};
use super::cell::{self, Cell};
use super::read::{Face, digest, source, text, zone};
use super::rows::Rows;
use super::varying::keys;

/// Rows that policies hide from the session are an error, rather than missing.
const ALL_ROWS: &str = "SET LOCAL row_security = off";

/// How many rows that are alike in all that is known are looked at, in a table without a key.
const MOST_ALIKE: usize = 100;

/// The assertions about accepted rows. `accepted` holds the texts of the snapshot, by table; the table whose text cannot be
/// read is the inner error.
pub(in crate::snapshot) fn assertions(
    session: &mut Session,
    catalog: &Catalog,
    accepted: &BTreeMap<ObjectId, String>,
    file: &Path,
) -> Result<Result<Vec<RowAsAccepted>, ObjectId>, DatabaseError> {
    let mut assertions = Vec::new();
    for (id, text) in accepted {
        let Some(table) = catalog.tables().find(|table| table.id() == *id) else { continue };
        let verdicts = match Rows::read(text) {
            None => return Ok(Err(id.clone())),
            Some(Rows::Each { columns, rows }) => Wanted::of(catalog, table, &columns, rows).verdicts(session)?,
            Some(Rows::Many(summary)) => vec![(None, many(session, table, &summary)?)],
            // Nothing is known of them.
            Some(Rows::Varying) => continue,
        };
        let assertion = |(which, verdict)| RowAsAccepted {
            table: id.clone(),
            name: table.qualified_name(),
            which,
            verdict,
            file: file.to_owned(),
        };
        assertions.extend(verdicts.into_iter().map(assertion));
    }
    Ok(Ok(assertions))
}

type Verdict = Result<(), Differs>;

/// Accepted rows of one table.
struct Wanted<'a> {
    table: &'a Relation,
    /// The columns that the snapshot and the table have.
    columns: Vec<&'a Column>,
    /// Which of them identify a row; none if all of them do.
    key: Vec<usize>,
    /// The accepted values in these columns.
    rows: Vec<Vec<Cell>>,
}

/// A value that was found: in UTC, and as the clock of the database shows it.
type Found = [Cell; 2];

impl<'a> Wanted<'a> {
    fn of(catalog: &'a Catalog, table: &'a Relation, names: &[String], rows: Vec<Vec<Cell>>) -> Wanted<'a> {
        let place = |column: &Column| names.iter().position(|name| *name == column.name);
        let shared: Vec<(&Column, usize)> =
            table.columns.iter().filter_map(|column| Some((column, place(column)?))).collect();
        let cells = |row: Vec<Cell>| shared.iter().filter_map(|(_, at)| row.get(*at).cloned()).collect();
        let rows: Vec<Vec<Cell>> = rows.into_iter().map(cells).collect();
        let in_shared = |at: usize| {
            let name = &table.columns.get(at)?.name;
            shared.iter().position(|(column, _)| column.name == *name)
        };
        let mut known =
            keys(catalog, table).filter_map(|key| key.into_iter().map(in_shared).collect::<Option<Vec<_>>>());
        let is_known = |at: &usize| rows.iter().all(|row| row.get(*at).and_then(Cell::value).is_some());
        let key = known.find(|key| key.iter().all(is_known)).unwrap_or_default();
        Wanted { table, columns: shared.into_iter().map(|(column, _)| column).collect(), key, rows }
    }

    fn verdicts(&self, session: &mut Session) -> Result<Vec<(Option<String>, Verdict)>, DatabaseError> {
        let zone = zone(session)?;
        let mut verdicts = Vec::new();
        for row in &self.rows {
            // If the whole row identifies it, it is there as often as it was accepted.
            let times = if self.key.is_empty() { self.rows.iter().filter(|other| *other == row).count() } else { 1 };
            let verdict = match self.found(session, row, &zone)? {
                Ok(found) => self.verdict(row, &found, times),
                Err(refusal) => Err(refused(&refusal)
                    .unwrap_or_else(|| self.differs(row, format!("it cannot be looked up: {}", refusal.brief())))),
            };
            let identifying = self.identifying();
            let named = identifying.iter().filter_map(|at| Some((&self.columns.get(*at)?.name, row.get(*at)?)));
            let shown: Vec<String> = named.map(|(column, cell)| format!("{column} {cell}")).collect();
            verdicts.push((Some(format!("({})", shown.join(", "))), verdict));
        }
        Ok(verdicts)
    }

    fn identifying(&self) -> Vec<usize> {
        if self.key.is_empty() { (0..self.columns.len()).collect() } else { self.key.clone() }
    }

    /// The rows with the key of this one, or else with all of its values that are known; or why there is no comparing them.
    fn found(
        &self,
        session: &mut Session,
        row: &[Cell],
        zone: &str,
    ) -> Result<Result<Vec<Vec<Found>>, Box<Reported>>, DatabaseError> {
        let texts = |face| self.columns.iter().map(move |column| text(column, face, zone));
        let all: Vec<String> = texts(Face::Utc).chain(texts(Face::Local)).collect();
        let conditions = self.identifying().into_iter().filter_map(|at| {
            let (column, cell) = (*self.columns.get(at)?, row.get(at)?);
            if cell.is_null() {
                return Some(format!("{} IS NULL", identifier(&column.name)));
            }
            let value = literal(&cell.value()?);
            // An index serves a key by its values; other values need not be comparable.
            let moments = || [Face::Utc, Face::Local].map(|face| format!("{} = {value}", text(column, face, zone)));
            Some(if self.is_by_value(column) {
                format!("{} = {value}", identifier(&column.name))
            } else {
                format!("({})", moments().join(" OR "))
            })
        });
        let conditions: Vec<String> = conditions.chain(["true".to_owned()]).collect();
        let sql = format!(
            "{ALL_ROWS}; SELECT {} FROM {} WHERE {} LIMIT {MOST_ALIKE}",
            all.join(", "),
            source(self.table),
            conditions.join(" AND ")
        );
        let rows = match printed_alike(session, |session| session.attempt_rows(&sql))? {
            Ok(rows) => rows,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let cells = |values: Vec<Option<String>>| {
            let (utc, local) = values.split_at(self.columns.len().min(values.len()));
            let cell = |column: &Column, value: &Option<String>| Cell::of(column, value.as_deref());
            let pairs = self.columns.iter().zip(utc.iter().zip(local));
            pairs.map(|(column, (utc, local))| [cell(column, utc), cell(column, local)]).collect()
        };
        Ok(Ok(rows.into_iter().map(cells).collect()))
    }

    /// Whether a column is compared by its value rather than by its text: that of a key, unless it is a moment, whose text
    /// says a time zone or not.
    fn is_by_value(&self, column: &Column) -> bool {
        let is_moment = column.ty.base.starts_with("timestamp") && column.ty.base.ends_with("with time zone");
        !self.key.is_empty() && !is_moment
    }

    fn verdict(&self, row: &[Cell], found: &[Vec<Found>], times: usize) -> Verdict {
        let is = |accepted: &Cell, found: &Found| accepted.varies() || found.contains(accepted);
        let alike = found.iter().filter(|found| row.iter().zip(*found).all(|(accepted, found)| is(accepted, found)));
        if alike.count() >= times {
            return Ok(());
        }
        let told = match found {
            [other] if !self.key.is_empty() => {
                let compared = self.columns.iter().zip(row.iter().zip(other));
                let differing = compared.filter(|(_, (accepted, found))| !is(accepted, found));
                let told = |(column, (accepted, [found, _])): (&&Column, (&Cell, &Found))| {
                    format!("{} is {found}, accepted is {accepted}", column.name)
                };
                differing.map(told).collect::<Vec<_>>().join("\n")
            }
            _ => format!("it does not exist, accepted is {}", cell::write(row)),
        };
        Err(self.differs(row, told))
    }

    fn differs(&self, row: &[Cell], found: String) -> Differs {
        let value = |at: usize| Some((self.columns.get(at)?.name.clone(), row.get(at)?.value()?));
        let values = self.identifying().into_iter().filter_map(value).collect();
        Differs { found, values, not_tried: None }
    }
}

/// Of many rows the snapshot has the number and a digest: it can be told whether they are all there only if there is no
/// other.
fn many(session: &mut Session, table: &Relation, accepted: &str) -> Result<Verdict, DatabaseError> {
    let parts = accepted.split_once(" rows, digest ").and_then(|(count, rest)| Some((count, rest.split_once(" of ")?)));
    let Some((count, (_, names))) = parts else { return Ok(not_told()) };
    let Ok(count): Result<u64, _> = count.parse() else { return Ok(not_told()) };
    let few = format!("{ALL_ROWS}; SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS few", source(table), count + 1);
    let found: u64 = match session.attempt_rows(&few)? {
        Ok(rows) => rows.into_iter().flatten().flatten().next().and_then(|text| text.parse().ok()).unwrap_or_default(),
        Err(refusal) => {
            let told = format!("they cannot be counted: {}", refusal.brief());
            return Ok(Err(refused(&refusal).unwrap_or(Differs { found: told, ..Differs::default() })));
        }
    };
    if found > count {
        return Ok(not_told());
    }
    let names: Vec<&str> = names.split(", ").collect();
    let columns: Vec<&Column> = table.columns.iter().filter(|column| names.contains(&column.name.as_str())).collect();
    let mut told = format!("{found} rows");
    for face in [Face::Utc, Face::Local] {
        let faces: Vec<(&Column, Face)> = columns.iter().map(|column| (*column, face)).collect();
        told = format!("{found} rows, digest {} of {}", digest(session, table, &faces)?, names.join(", "));
        if told == accepted {
            return Ok(Ok(()));
        }
    }
    Ok(Err(Differs { found: format!("there are {told}, accepted are {accepted}"), ..Differs::default() }))
}

/// That nothing can be told, if the session lacks a privilege.
fn refused(refusal: &Reported) -> Option<Differs> {
    let not_tried = refusal.has(&SqlState::INSUFFICIENT_PRIVILEGE).then_some(NotTried::Privilege)?;
    Some(Differs { not_tried: Some(not_tried), ..Differs::default() })
}

fn not_told() -> Verdict {
    Err(Differs { not_tried: Some(NotTried::OtherRows), ..Differs::default() })
}
