//! What can be varied of an example: the columns of keys and references have other values, the rest is as in the example
//! or, where no rule connects columns, varies as usual.

use pgproof_catalog::row::{Example, RowError, RowGenerator, Value, columns_of_keys, unused_key};
use pgproof_catalog::{Column, ConstraintKind, Generation, Index, Relation};
use pgproof_runner::Sandbox;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::identifier;

use super::candidates::{Candidates, Digit, Source};
use super::expansion::{Expansion, MOST_PRESENT};
use super::generator::{Generator, VARIETY};
use super::parents::{Family, families};

/// How many values a column of a key has beside twice those that are needed: some will be there already.
const SPARE: usize = 64;

/// A table, or the partition of one, and what is known of it.
pub(super) struct Plot<'a> {
    pub(super) generator: &'a Generator<'a>,
    /// Where the rows are stored.
    pub(super) table: &'a Relation,
    /// The table itself: what is configured, is configured for it.
    pub(super) owner: &'a Relation,
    pub(super) present: u64,
    /// Tables that have got their rows.
    pub(super) is_filled: &'a dyn Fn(&Relation) -> bool,
}

impl Plot<'_> {
    /// A row of the table. If none is found because of the rows that it references, it references any: keys rest.
    pub(super) fn example(&self, session: &mut Session, sandbox: &mut Sandbox) -> Result<Example, RowError> {
        let mut given = Vec::new();
        for column in &self.table.columns {
            let Some(expression) = self.generator.configured_column(self.owner, &column.name) else { continue };
            given.push((column.name.as_str(), first(session, column, expression)?));
        }
        let found = RowGenerator::of(sandbox)?.example(sandbox, self.table, &given);
        let Err(error) = found else { return found };
        for family in families(self.generator, self.table, self.owner) {
            let columns: Vec<&Column> = family.columns.iter().filter_map(|name| self.table.column(name)).collect();
            if columns.iter().any(|column| !column.not_null || is_generated(self.table, &column.name)) {
                continue;
            }
            match family.rows(session, &[], 1)?.into_iter().next() {
                Some(row) => {
                    let names = family.columns.iter().map(|column| self.name(column));
                    given.extend(names.zip(row.into_iter().map(Value::from)));
                }
                None if self.is_later(&family) => {
                    for column in columns {
                        let expression = self.generator.expression(self.owner, column, "n", &[]);
                        given.push((column.name.as_str(), first(session, column, &expression)?));
                    }
                }
                // There is nothing to reference.
                None => return Err(error),
            }
        }
        RowGenerator::of(sandbox)?.example(sandbox, self.table, &given).map_err(|_| error)
    }

    /// Whether a table that these keys reference gets its rows later.
    fn is_later(&self, family: &Family<'_>) -> bool {
        family.any(|key| self.generator.parent(key).is_some_and(|parent| !(self.is_filled)(parent)))
    }

    /// The name of a column, as the table has it.
    fn name(&self, column: &str) -> &str {
        self.table.column(column).map_or("", |column| column.name.as_str())
    }

    /// What can be varied of an example so that `wanted` rows come of it.
    pub(super) fn expansion(
        &self,
        session: &mut Session,
        sandbox: &mut Sandbox,
        example: &Example,
        wanted: u64,
    ) -> Result<Expansion, DatabaseError> {
        let (generator, table, owner) = (self.generator, self.table, self.owner);
        let catalog = generator.catalog;
        let constraint = |index: &Index| catalog.constraints_of(table).find(|c| c.name == index.name);
        let is_exclusion = |index: &Index| constraint(index).is_some_and(|c| c.kind == ConstraintKind::Exclusion);
        let keys: Vec<&Index> = catalog.indexes_of(table).filter(|index| index.unique || is_exclusion(index)).collect();
        let is_keyed = |column: &str| keys.iter().any(|index| columns_of_keys(index).iter().any(|name| name == column));
        let count = usize::try_from(wanted * 2 + self.present.min(MOST_PRESENT) * 2).unwrap_or(usize::MAX) + SPARE;
        let variety = count.min(usize::try_from(VARIETY).unwrap_or(usize::MAX));
        let (connected, confined) = (example.connected(), example.confined());
        let is_confined = |column: &str| confined.contains(column) && !connected.contains(column);

        let mut digits: Vec<Digit> = Vec::new();
        let mut without: Vec<String> = Vec::new();
        for family in families(generator, table, owner) {
            let is_empty = |column: &String| example.value(column).is_none();
            let may_vary = |column: &String| !(is_empty(column) && connected.contains(column));
            if !family.columns.iter().all(may_vary) {
                continue;
            }
            let generated = family.columns.iter().filter(|column| is_generated(table, column));
            let given: Vec<(String, String)> =
                generated.filter_map(|column| Some((column.clone(), example.value(column)?.to_owned()))).collect();
            let rows = family.rows(session, &given, count)?;
            let accepted = example.accepted(sandbox, &family.columns, rows.clone())?;
            if rows.is_empty() && self.is_later(&family) {
                without.extend(family.columns.iter().cloned());
                continue;
            }
            let is_keyed = family.columns.iter().any(|column| is_keyed(column));
            let rows = if accepted.is_empty() { rows } else { accepted };
            digits.push(Digit { columns: family.columns.clone(), rows, is_keyed });
        }
        let mut columns = Vec::new();
        for column in table.columns.iter().filter(|column| column.generation != Generation::Generated) {
            let place = |digits: &[Digit]| {
                digits.iter().enumerate().find_map(|(digit, of)| {
                    let field = of.columns.iter().position(|name| *name == column.name)?;
                    Some(Source::Digit { digit, field })
                })
            };
            let source = if let Some(configured) = generator.configured_column(owner, &column.name) {
                Source::Expression(configured.clone())
            } else if let Some(source) = place(&digits) {
                source
            } else if let Some(like) = self.like(column).filter(|_| example.value(&column.name).is_some()) {
                Source::Like(like)
            } else if without.contains(&column.name) {
                Source::Expression(generator.expression(owner, column, "n", &[]))
            } else if is_keyed(&column.name) && example.value(&column.name).is_some() {
                digits.push(Digit::of(column, example.alternatives(sandbox, column, count)?, true));
                Source::Digit { digit: digits.len() - 1, field: 0 }
            } else if is_confined(&column.name) && example.value(&column.name).is_some() {
                digits.push(Digit::of(column, example.alternatives(sandbox, column, variety)?, false));
                Source::Digit { digit: digits.len() - 1, field: 0 }
            } else {
                let own = example.value(&column.name).map(str::to_owned);
                let is_fixed = connected.contains(&column.name) || confined.contains(&column.name);
                self.free(session, column, own, is_fixed)?
            };
            columns.push((column.name.clone(), column.ty.name.clone(), source));
        }
        let digits_of = |index: &Index| -> Vec<usize> {
            let named = columns_of_keys(index);
            let is_of = |digit: &Digit| digit.columns.iter().any(|column| named.contains(column));
            digits.iter().enumerate().filter(|(_, digit)| is_of(digit)).map(|(place, _)| place).collect()
        };
        let deferrable = |index: &&&Index| constraint(index).is_some_and(|c| c.deferrable);
        Ok(Expansion {
            table: table.sql(),
            keys: keys.iter().map(|index| digits_of(index)).filter(|digits| digits.len() > 1).collect(),
            unused: keys.iter().filter(deferrable).map(|index| unused_key(table, index, constraint(index))).collect(),
            candidates: Candidates { alias: identifier(&table.name), columns, digits },
            present: self.present,
        })
    }

    /// The column of the same row that a reference to the own table has the value of.
    fn like(&self, column: &Column) -> Option<String> {
        let own = |parent: &Relation| parent == self.table || parent == self.owner;
        self.generator.foreign_keys(self.table).find_map(|key| {
            self.generator.parent(key).filter(|parent| own(parent))?;
            let place = key.columns.iter().position(|name| *name == column.name)?;
            let referenced = key.references.as_ref()?.columns.get(place)?;
            (*referenced != column.name && !is_generated(self.table, referenced)).then(|| referenced.clone())
        })
    }

    /// A column that is no part of a key.
    fn free(
        &self,
        session: &mut Session,
        column: &Column,
        own: Option<String>,
        is_fixed: bool,
    ) -> Result<Source, DatabaseError> {
        if !is_fixed {
            match self.generator.checked(session, self.owner, column) {
                Ok(usual) if usual.is_accepted => {
                    return Ok(Source::Usual { expression: usual.sql, own });
                }
                Ok(_) => {}
                Err(DatabaseError::Reported(_)) => session.run("ROLLBACK")?,
                Err(error) => return Err(error),
            }
        }
        Ok(Source::Constant(own))
    }
}

/// The value of an expression over `n` in the first row.
fn first(session: &mut Session, column: &Column, expression: &str) -> Result<Value, DatabaseError> {
    let ty = &column.ty.name;
    let value = format!("SELECT (({expression})::{ty})::text FROM (SELECT 1::bigint AS n) AS pgproof_row");
    Ok(Value::from(session.value(&value)?))
}

fn is_generated(table: &Relation, column: &str) -> bool {
    table.column(column).is_some_and(|column| column.generation == Generation::Generated)
}
