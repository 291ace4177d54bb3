//! Triggers that reject or discard a row: values that get past them are searched for among the literals of their
//! functions, in the row, in the rows that it references, and in tables that the functions read. Where an error comes
//! from tells how far a row got.

use pgproof_runner::Sandbox;
use pgproof_server::Reported;
use pgproof_sql::quote::identifier;

use super::expression::words;
use super::keys::shown;
use super::making::Making;
use super::pool::Breadth;
use super::rules::bodies;
use super::trial::{kept, outcomes};
use super::{RowError, RowGenerator, Value};
use crate::{Catalog, ConstraintKind, Event, Relation, Trigger};

/// How many steps forward a search takes.
const STEPS: usize = 8;

/// How many rows are tried in one step.
const MOST: usize = 500;

/// How many values of a column are tried.
const VALUES: usize = 30;

/// A change that may get a row past a trigger.
#[derive(Debug, Clone)]
enum Move {
    /// Other values for columns.
    Set(Vec<(String, Value)>),
    /// A statement that changes another row.
    Run(String),
}

impl RowGenerator {
    /// Changes the row, or rows that it references, so that its triggers accept and store it. False if nothing helped.
    pub(super) fn past_triggers(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
    ) -> Result<bool, RowError> {
        let triggers: Vec<&Trigger> = of_inserts(catalog, making.table).collect();
        let texts: Vec<String> = triggers.iter().flat_map(|trigger| bodies(catalog, &trigger.function)).collect();
        if texts.is_empty() || !making.waiting.is_empty() {
            return Ok(false);
        }
        let (singles, mut is_companied) = (self.moves(sandbox, catalog, making, &texts)?, false);
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..STEPS {
            let base = outcomes(sandbox, &[(String::new(), making.draft().sql())])?;
            let Some(now) = base.into_iter().next() else { return Ok(false) };
            if now == "stored" {
                return Ok(true);
            }
            seen.push(now);
            if RowGenerator::step(sandbox, making, &singles, &seen)?
                || RowGenerator::step(sandbox, making, &pairs(&singles), &seen)?
            {
                continue;
            }
            if is_companied || !self.companions(sandbox, catalog, making, &texts)? {
                return Ok(false);
            }
            is_companied = true;
            seen.clear();
        }
        Ok(false)
    }

    /// Makes the first move after which the row is stored, or else rejected elsewhere than before.
    fn step(sandbox: &mut Sandbox, making: &mut Making<'_>, moves: &[Move], seen: &[String]) -> Result<bool, RowError> {
        let draft = making.draft();
        let statements: Vec<(String, String)> = moves
            .iter()
            .map(|one| match one {
                Move::Set(values) => {
                    let changed =
                        values.iter().fold(draft.clone(), |draft, (name, value)| draft.with(name, value.clone()));
                    (String::new(), changed.sql())
                }
                Move::Run(sql) => (sql.clone(), draft.sql()),
            })
            .collect();
        let found = outcomes(sandbox, &statements)?;
        // A class of its own: what the row itself breaks is no step forward.
        let is_broken =
            |outcome: &String| outcome.starts_with("22") || outcome.starts_with("2350") || outcome.starts_with("23514");
        let place = found.iter().position(|outcome| outcome == "stored");
        let place = place.or_else(|| found.iter().position(|outcome| !seen.contains(outcome) && !is_broken(outcome)));
        let Some(place) = place else { return Ok(false) };
        match &moves[place] {
            Move::Set(values) => making.values.extend(values.iter().cloned()),
            Move::Run(sql) => sandbox.run(sql)?,
        }
        Ok(true)
    }

    /// The changes of one column or one referenced row.
    fn moves(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &Making<'_>,
        texts: &[String],
    ) -> Result<Vec<Move>, RowError> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let said: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
        let names: Vec<String> = making.table.columns.iter().map(|column| column.name.clone()).collect();
        let free = making.free(&names);
        let named: Vec<_> = free.iter().filter(|column| said.contains(&column.name)).copied().collect();
        let mut moves = Vec::new();
        for column in if named.is_empty() { free } else { named } {
            let mut values = self.values(sandbox, catalog, column, &texts, Breadth::Usual)?;
            values.truncate(VALUES);
            values.extend(making.values.values().filter(|value| matches!(value, Value::Text(_))).take(VALUES).cloned());
            if !making.needs(column) {
                values.push(Value::Null);
            }
            moves.extend(values.into_iter().map(|value| Move::Set(vec![(column.name.clone(), value)])));
        }
        for key in catalog.constraints_of(making.table).filter(|c| c.kind == ConstraintKind::ForeignKey) {
            let Some(references) = &key.references else { continue };
            let Some(parent) = catalog.table(&references.qualified_name()) else { continue };
            let equal: Option<Vec<String>> = key
                .columns
                .iter()
                .zip(&references.columns)
                .map(|(own, other)| match making.values.get(own) {
                    Some(value @ Value::Text(_)) => Some(format!("{} = {}", identifier(other), value.sql())),
                    _ => None,
                })
                .collect();
            let Some(equal) = equal else { continue };
            for column in
                parent.columns.iter().filter(|c| said.contains(&c.name) && !references.columns.contains(&c.name))
            {
                let mut values = self.values(sandbox, catalog, column, &texts, Breadth::Usual)?;
                values.truncate(VALUES / 2);
                moves.extend(values.into_iter().map(|value| {
                    let (table, name, equal) = (parent.sql(), identifier(&column.name), equal.join(" AND "));
                    Move::Run(format!("UPDATE {table} SET {name} = {} WHERE {equal}", value.sql()))
                }));
            }
        }
        moves.truncate(MOST);
        Ok(moves)
    }

    /// Makes a row in each table that the functions name, with the row's values in columns of the same name.
    fn companions(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &Making<'_>,
        texts: &[String],
    ) -> Result<bool, RowError> {
        let said: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
        let mut made = false;
        for table in catalog.tables().filter(|table| *table != making.table && said.contains(&table.name)) {
            let shared: Vec<(&str, Value)> = making
                .values
                .iter()
                .filter(|(name, value)| {
                    let is_key = name.as_str() == "id";
                    !is_key && said.contains(name) && table.column(name).is_some() && matches!(value, Value::Text(_))
                })
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            if shared.is_empty() {
                continue;
            }
            // The row may be given a reference that nobody made.
            made |= kept(sandbox, |sandbox| self.companion(sandbox, catalog, table, &shared))?.is_ok();
        }
        Ok(made)
    }

    fn companion(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        table: &Relation,
        shared: &[(&str, Value)],
    ) -> Result<(), RowError> {
        for key in catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::ForeignKey) {
            let Some(references) = &key.references else { continue };
            let known: Option<Vec<(&str, Value)>> = key
                .columns
                .iter()
                .zip(&references.columns)
                .map(|(own, other)| {
                    let (_, value) = shared.iter().find(|(name, _)| name == own)?;
                    Some((other.as_str(), value.clone()))
                })
                .collect();
            let (Some(known), Some(parent)) = (known, catalog.table(&references.qualified_name())) else { continue };
            if super::keys::existing(sandbox, parent, &known)?.is_none() {
                self.insert(sandbox, references.qualified_name(), &known)?;
            }
        }
        self.insert(sandbox, table.qualified_name(), shared).map(drop)
    }
}

/// Two changes of different columns at once.
fn pairs(moves: &[Move]) -> Vec<Move> {
    let sets: Vec<&(String, Value)> = moves
        .iter()
        .filter_map(|one| match one {
            Move::Set(values) => values.first(),
            Move::Run(_) => None,
        })
        .collect();
    let mut found: Vec<(usize, Move)> = Vec::new();
    for (place, one) in sets.iter().enumerate() {
        for (further, other) in sets.iter().enumerate().skip(place + 1).filter(|(_, other)| other.0 != one.0) {
            // Early values of both columns come first.
            let rank = |at: usize| sets[..at].iter().filter(|set| set.0 == sets[at].0).count();
            found.push((rank(place) + rank(further), Move::Set(vec![(*one).clone(), (*other).clone()])));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, pair)| pair).take(MOST).collect()
}

/// The triggers that fire for a new row.
fn of_inserts<'a>(catalog: &'a Catalog, table: &'a Relation) -> impl Iterator<Item = &'a Trigger> {
    catalog.triggers_of(table).filter(|trigger| trigger.enabled && trigger.events.contains(&Event::Insert))
}

/// The error for a row that PostgreSQL rejected: it names the trigger if one of the table's raised it.
pub(super) fn refused(schema: &str, catalog: &Catalog, table: &Relation, refusal: Box<Reported>) -> RowError {
    let context = refusal.context.as_deref().unwrap_or_default();
    // The call stack has names of functions with their arguments, in whatever language.
    let trigger = of_inserts(catalog, table).find(|trigger| context.contains(&format!("{}()", trigger.function)));
    let shown = shown(catalog, table);
    match trigger {
        Some(trigger) => RowError::Trigger {
            schema: schema.to_owned(),
            table: shown,
            trigger: trigger.name.clone(),
            function: trigger.function.clone(),
            refusal,
        },
        None => RowError::Refused { table: shown, refusal },
    }
}

/// The error for a row that is accepted and not stored.
pub(super) fn discarded(catalog: &Catalog, table: &Relation) -> RowError {
    let triggers: Vec<_> = of_inserts(catalog, table).map(|trigger| format!("trigger {}", trigger.name)).collect();
    let by = if triggers.is_empty() { "a rule".to_owned() } else { triggers.join(" or ") };
    RowError::NotStored { table: shown(catalog, table), by: format!("{by} discards it") }
}
