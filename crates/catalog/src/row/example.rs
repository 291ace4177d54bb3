//! A row of a table as an example of many others: its values, which of them hold only together, and values that its
//! columns may have instead. How many rows are made of it, and whether PostgreSQL stores them, is left to the caller.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::quote::literal;

use super::candidates::is_sure;
use super::pool::{Breadth, pool};
use super::rules::{Rule, checks_of};
use super::solve::Question;
use super::trial::{undone_rows, valid};
use super::types::sample_of;
use super::variation::varied;
use super::{Row, RowError, RowGenerator, Value};
use crate::{Catalog, Column, Generation, Relation};

/// How many values are tried for each that is needed, if few are accepted.
const SPARSE: usize = 12;
const MOST_SPARSE: usize = 30_000;
/// Of how many tries one must have been accepted for that.
const HOPELESS: usize = 25;

/// How many values are evaluated at once: one that raises an error leaves the rest of them to be evaluated one by one.
const AT_ONCE: usize = 1_000;

/// Of how many forms values are varied.
const MOST_FORMS: usize = 6;

/// A row that a table accepts.
#[derive(Debug)]
pub struct Example {
    catalog: Arc<Catalog>,
    table: Relation,
    row: Row,
    rules: Vec<Rule>,
}

impl RowGenerator {
    /// A row of a table with these values, which is not kept. Columns whose defaults may differ from call to call have
    /// values like those without a default, if that is possible.
    pub fn example(
        &mut self,
        sandbox: &mut Sandbox,
        table: &Relation,
        given: &[(&str, Value)],
    ) -> Result<Example, RowError> {
        let catalog = Arc::clone(&self.catalog);
        let name = table.qualified_name();
        let changing: Vec<String> =
            table.columns.iter().filter(|column| has_changing_default(column)).map(|c| c.name.clone()).collect();
        let mut stored = |required: &[String]| {
            sandbox.undone(|sandbox| self.draft_with(sandbox, &name, given, required)?.insert(sandbox))
        };
        let row = match stored(&changing) {
            Err(error) if error.is_of_table() && !changing.is_empty() => stored(&[])?,
            row => row?,
        };
        let mut rules = checks_of(&catalog, table);
        rules.extend(self.bounds(sandbox, &catalog, table)?);
        Ok(Example { catalog, table: table.clone(), row, rules })
    }
}

impl Example {
    /// The value of a column, or `None` if it is NULL.
    pub fn value(&self, column: &str) -> Option<&str> {
        self.row.value(column)
    }

    /// The columns that a rule connects with others: their values hold together.
    pub fn connected(&self) -> BTreeSet<String> {
        let connecting = self.rules.iter().filter(|rule| rule.columns.len() > 1);
        connecting.flat_map(|rule| rule.columns.iter().cloned()).collect()
    }

    /// The columns that the bounds of the partition confine.
    pub fn confined(&self) -> BTreeSet<String> {
        self.rules.iter().filter(|rule| !rule.is_check).flat_map(|rule| rule.columns.iter().cloned()).collect()
    }

    /// At most `count` values of a column with which the row is still accepted, the row's own first. Whether they are
    /// in the table already is not asked.
    pub fn alternatives(
        &self,
        sandbox: &mut Sandbox,
        column: &Column,
        count: usize,
    ) -> Result<Vec<String>, DatabaseError> {
        let own: Vec<String> = self.value(&column.name).map(str::to_owned).into_iter().collect();
        let ty = &column.ty.name;
        let sample = |n: usize| sample_of(&self.catalog, ty, u64::try_from(n).ok()?, &column.name);
        let samples: Vec<String> = (1..=count).filter_map(sample).collect();
        let texts: Vec<&str> =
            self.about(&column.name).flat_map(|rule| rule.texts.iter().map(String::as_str)).collect();
        let mut found = own.clone();
        // A rule may accept few of many values, as one on check digits does, and values of several forms.
        for stage in 0..5 {
            let candidates = match stage {
                0 => samples.clone(),
                1 => own.first().map(|own| varied(own, count)).unwrap_or_default(),
                2 => pool(&self.catalog, ty, &texts, Breadth::Wide, 1),
                3 => forms(&found).iter().skip(1).flat_map(|form| varied(form, count)).collect(),
                _ => {
                    let many = count.saturating_mul(SPARSE).min(MOST_SPARSE);
                    let samples = (count..many).filter_map(sample);
                    samples.chain(own.iter().flat_map(|own| varied(own, many).into_iter().skip(count))).collect()
                }
            };
            for candidates in candidates.chunks(AT_ONCE) {
                let rows =
                    values_among(sandbox, column, candidates)?.into_iter().map(|text| vec![Some(text)]).collect();
                let accepted = self.accepted(sandbox, std::slice::from_ref(&column.name), rows)?;
                found.extend(accepted.into_iter().filter_map(|row| row.into_iter().next()?));
                let mut seen = HashSet::new();
                found.retain(|text| seen.insert(text.clone()));
                if found.len() >= count {
                    break;
                }
            }
            let is_hopeless = stage == 3 && found.len() < count / HOPELESS;
            if found.len() >= count || is_hopeless {
                break;
            }
        }
        found.truncate(count);
        Ok(found)
    }

    /// Those of these values of several columns with which the row is still accepted.
    pub fn accepted(
        &self,
        sandbox: &mut Sandbox,
        columns: &[String],
        rows: Vec<Vec<Option<String>>>,
    ) -> Result<Vec<Vec<Option<String>>>, DatabaseError> {
        let mut conditions: Vec<String> =
            columns.iter().flat_map(|name| self.about(name)).map(|rule| rule.expression.clone()).collect();
        conditions.sort();
        conditions.dedup();
        if conditions.is_empty() || rows.is_empty() {
            return Ok(rows);
        }
        let known: BTreeMap<String, Value> = self
            .table
            .columns
            .iter()
            .filter(|column| column.generation != Generation::Generated)
            .map(|column| (column.name.clone(), self.value(&column.name).map(str::to_owned).into()))
            .collect();
        let question = Question { table: &self.table, conditions: conditions.clone(), known: &known };
        let changed = |row: &Vec<Option<String>>| -> BTreeMap<String, Value> {
            columns.iter().cloned().zip(row.iter().cloned().map(Value::from)).collect()
        };
        let mut found = Vec::new();
        for rows in rows.chunks(AT_ONCE) {
            let changes: Vec<_> = rows.iter().map(changed).collect();
            let accepted = question.accepted(sandbox, &conditions, &changes, &[], rows.len())?;
            found.extend(accepted.into_iter().filter_map(|(place, _)| rows.get(place).cloned()));
        }
        Ok(found)
    }

    /// The rules that a column takes part in.
    fn about(&self, column: &str) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.columns.iter().any(|name| name == column))
    }
}

/// Those of these texts that are values of a column's type.
fn values_among(sandbox: &mut Sandbox, column: &Column, texts: &[String]) -> Result<Vec<String>, DatabaseError> {
    let (mut sure, mut unsure) = (Vec::new(), Vec::new());
    for text in texts {
        match is_sure(&column.ty, text) {
            Some(true) => sure.push(text.clone()),
            Some(false) => {}
            None => unsure.push(text.clone()),
        }
    }
    if !unsure.is_empty() {
        // Most often all of them are; otherwise each is asked alone, which takes longer.
        let ty = &column.ty.name;
        let quoted: Vec<_> = unsure.iter().map(|text| literal(text)).collect();
        let all = format!(
            "SELECT (pgproof_v::{ty})::text FROM unnest(ARRAY[{}]::text[]) WITH ORDINALITY AS c (pgproof_v, place) ORDER BY place",
            quoted.join(", ")
        );
        match undone_rows(sandbox.session(), &all)? {
            Ok(rows) => sure.extend(rows.into_iter().filter_map(|row| row.into_iter().next()?)),
            Err(_) => sure.extend(valid(sandbox.session(), ty, &unsure)?),
        }
    }
    Ok(sure)
}

/// The first of the texts of each form: where digits are, letters, and other characters.
fn forms(texts: &[String]) -> Vec<&String> {
    let form = |text: &str| -> String {
        let kind = |c: char| match c {
            '0'..='9' => '0',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            other => other,
        };
        text.chars().map(kind).collect()
    };
    let mut seen = HashSet::new();
    texts.iter().filter(|text| seen.insert(form(text))).take(MOST_FORMS).collect()
}

/// Whether the default may be another value tomorrow, or in another database: a clock, random numbers. A sequence begins
/// with the same number everywhere.
fn has_changing_default(column: &Column) -> bool {
    let changes = |default: &str| {
        default.contains("CURRENT_")
            || default.contains("LOCALTIME")
            || default.contains('(') && !default.contains("nextval(")
    };
    column.generation == Generation::None && column.default.as_deref().is_some_and(changes)
}
