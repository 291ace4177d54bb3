//! Generates rows: the least that NOT NULL demands, parents first, then what the rules demand, tried and repaired until
//! PostgreSQL accepts it. How a row is repaired, `repair` knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::QualifiedName;

use super::configured::Configured;
use super::impossible::Impossible;
use super::keys::shown;
use super::making::{Fixed, Making};
use super::repair::Repair;
use super::rules::{Rule, checks_of, partition_rule};
use super::trial::{Trial, tried};
use super::value::sample;
use super::{Draft, Row, RowError, Value};
use crate::{Catalog, Column, Generation, Relation};

/// How often a row may be repaired before the generator gives up.
const REPAIRS: usize = 40;

/// Generates rows. Each row differs from the previous ones.
#[derive(Debug)]
pub struct RowGenerator {
    pub(super) catalog: Arc<Catalog>,
    /// The number from which the next values are generated.
    pub(super) next: u64,
    /// The rows that are being generated, each for the one before it.
    pub(super) path: Vec<Step>,
    /// What `pgproof.toml` says of rows.
    pub(super) configured: Configured,
    /// The bounds of partitions, by table.
    partitions: BTreeMap<String, Option<Rule>>,
    /// The place in the path of a row that one further on references: what lies between is inserted together with it.
    pub(super) circle: Option<usize>,
    /// The INSERTs that wait for that row.
    pub(super) waiting: Vec<String>,
}

/// A row that is being generated.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) table: String,
    /// Its values so far.
    pub(super) values: BTreeMap<String, Value>,
    /// Values that rows further on reference, so that it must have them.
    pub(super) promised: BTreeMap<String, Value>,
}

/// What became of making a row.
pub(super) enum Made {
    /// It can be inserted. False if the table would not store it.
    Draft(Box<Draft>, bool),
    /// A trigger of a parent has made the only row that there can be.
    Existing(Box<Draft>, Row),
    /// It waits to be inserted together with a row that it references.
    Waiting(Row),
}

impl RowGenerator {
    /// A generator for the schema in a sandbox.
    pub fn of(sandbox: &mut Sandbox) -> Result<RowGenerator, RowError> {
        Ok(RowGenerator {
            catalog: Catalog::of(sandbox)?,
            next: 1,
            path: Vec::new(),
            configured: Configured::of(sandbox.context())?,
            partitions: BTreeMap::new(),
            circle: None,
            waiting: Vec::new(),
        })
    }

    /// Skips the next `count` values of each type: existing rows may have them.
    pub fn skip(&mut self, count: u64) {
        self.next += count;
    }

    /// A valid row of `table` with these values, not inserted yet; the rows it references are inserted. Columns that do
    /// not need a value keep their defaults.
    pub fn draft(
        &mut self,
        sandbox: &mut Sandbox,
        table: impl Into<QualifiedName>,
        given: &[(&str, Value)],
    ) -> Result<Draft, RowError> {
        self.draft_with(sandbox, table, given, &[])
    }

    /// The same, with a value in each of the `required` columns, even nullable ones.
    pub fn draft_with(
        &mut self,
        sandbox: &mut Sandbox,
        table: impl Into<QualifiedName>,
        given: &[(&str, Value)],
        required: &[String],
    ) -> Result<Draft, RowError> {
        let table = table.into();
        match self.made(sandbox, &table, given, required)? {
            // The row is one of a circle: once it is stored, another one can reference the rest of the circle.
            Made::Draft(draft, _) if draft.is_circle() => {
                draft.insert(sandbox)?;
                match self.made(sandbox, &table, given, required)? {
                    Made::Draft(draft, _) | Made::Existing(draft, _) => Ok(*draft),
                    Made::Waiting(_) => Err(self.circle_of(&table)),
                }
            }
            Made::Draft(draft, _) => Ok(*draft),
            Made::Existing(draft, row) => {
                row.delete(sandbox)?;
                Ok(*draft)
            }
            Made::Waiting(_) => Err(self.circle_of(&table)),
        }
    }

    /// Generates a row and inserts it. If a trigger of a row that it references has made the only row that there can
    /// be, it is that one.
    pub fn insert(
        &mut self,
        sandbox: &mut Sandbox,
        table: impl Into<QualifiedName>,
        given: &[(&str, Value)],
    ) -> Result<Row, RowError> {
        let table = table.into();
        match self.made(sandbox, &table, given, &[])? {
            Made::Draft(draft, true) => draft.insert(sandbox),
            Made::Draft(draft, false) => Err(super::trigger::discarded(&self.catalog, &draft.table)),
            Made::Existing(_, row) | Made::Waiting(row) => Ok(row),
        }
    }

    /// Whether any row can have this value in a column: the rest of the row is adapted to it.
    pub fn completes(
        sandbox: &mut Sandbox,
        table: &QualifiedName,
        column: &str,
        value: Value,
    ) -> Result<bool, RowError> {
        let mut generator = RowGenerator::of(sandbox)?;
        sandbox.undone(|sandbox| match generator.draft(sandbox, table, &[(column, value)]) {
            Ok(_) => Ok(true),
            Err(error) if error.is_of_table() => Ok(false),
            Err(error) => Err(error),
        })
    }

    /// A value for a column that differs from all previous ones, or `None` if the type is unknown.
    pub fn another(&mut self, column: &Column) -> Option<Value> {
        self.next += 1;
        let simple = sample(&column.ty, self.next, &column.name);
        let catalog = Arc::clone(&self.catalog);
        let text = simple.or_else(|| super::types::sample_of(&catalog, &column.ty.name, self.next, &column.name))?;
        Some(Value::Text(text))
    }

    /// Makes a row of this table, unless one is being made already.
    pub(super) fn made(
        &mut self,
        sandbox: &mut Sandbox,
        table: &QualifiedName,
        given: &[(&str, Value)],
        required: &[String],
    ) -> Result<Made, RowError> {
        let catalog = Arc::clone(&self.catalog);
        self.configured.demand_known(&catalog)?;
        let relation = catalog.table(table).ok_or_else(|| RowError::NoTable { table: table.to_string() })?;
        if let Some((column, _)) = given.iter().find(|(column, _)| relation.column(column).is_none()) {
            return Err(RowError::NoColumn { table: table.to_string(), column: (*column).to_owned() });
        }
        let key = relation.sql();
        if self.path.iter().any(|step| step.table == key) {
            let path = self.path.iter().map(|step| step.table.clone()).chain([key]).collect();
            return Err(RowError::Circle { schema: self.configured.schema(), path });
        }
        // A row that cannot be made is asked for again and again, by everything that references it.
        let impossible = Impossible::of(sandbox);
        if let Some(error) = impossible.why(&key, given) {
            return Err(error);
        }
        self.path.push(Step { table: key, values: BTreeMap::new(), promised: BTreeMap::new() });
        let result = self.make(sandbox, &catalog, relation, given, required);
        let step = self.path.pop();
        if self.path.is_empty() {
            self.circle = None;
            self.waiting.clear();
        }
        // With values that somebody gave, or that another row relies on, the rule may only be broken by them.
        match result {
            Err(error) if given.is_empty() && step.is_none_or(|step| step.promised.is_empty()) => {
                Err(impossible.keep(&catalog, relation, error))
            }
            result => result,
        }
    }

    fn make(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        table: &Relation,
        given: &[(&str, Value)],
        required: &[String],
    ) -> Result<Made, RowError> {
        let mut making = Making::of(table, checks_of(catalog, table), required);
        for (column, value) in given {
            making.fix(column, value.clone(), Fixed::Given);
        }
        for (column, value) in self.configured.values(sandbox, catalog, table, self.next)? {
            if !making.values.contains_key(&column) {
                making.fix(&column, value, Fixed::Given);
            }
        }
        self.parents(sandbox, catalog, &mut making)?;
        for column in table.columns.iter().filter(|column| column.generation == Generation::None) {
            let needed = required.contains(&column.name) || column.not_null && column.default.is_none();
            if needed && !making.values.contains_key(&column.name) {
                let value = self.typed(sandbox, &making, column)?;
                making.values.insert(column.name.clone(), value);
            }
        }
        if let Some(rule) = self.bounds(sandbox, catalog, table)?
            && !rule.columns.iter().any(|name| making.has_default(name))
        {
            making.rules.push(rule);
        }
        // One rule's values may break another that was satisfied before.
        for _ in 0..3 {
            let broken = making.broken(sandbox)?;
            if broken.is_empty() {
                break;
            }
            for rule in broken {
                self.satisfy(sandbox, catalog, &mut making, &rule)?;
            }
        }
        if self.circle.is_some_and(|place| place + 1 < self.path.len()) {
            return self.wait(sandbox, catalog, &mut making).map(Made::Waiting);
        }
        self.tried(sandbox, catalog, &mut making)
    }

    /// Tries the row, and repairs it until PostgreSQL accepts it.
    fn tried(&mut self, sandbox: &mut Sandbox, catalog: &Catalog, making: &mut Making<'_>) -> Result<Made, RowError> {
        let waiting = if self.circle == Some(self.path.len() - 1) { self.waiting.split_off(0) } else { Vec::new() };
        if !waiting.is_empty() {
            self.circle = None;
        }
        making.waiting = waiting;
        for _ in 0..REPAIRS {
            let draft = making.draft();
            let refusal = match tried(sandbox, &draft)? {
                Trial::Stored | Trial::Elsewhere => return Ok(Made::Draft(Box::new(draft), true)),
                Trial::Nothing => {
                    let stored = self.past_triggers(sandbox, catalog, making)?;
                    return Ok(Made::Draft(Box::new(making.draft()), stored));
                }
                Trial::Refused(refusal) => refusal,
            };
            match self.repair(sandbox, catalog, making, &refusal)? {
                Repair::Changed => {}
                Repair::Existing(row) => return Ok(Made::Existing(Box::new(making.draft()), *row)),
                Repair::Nothing => {
                    if !self.past_triggers(sandbox, catalog, making)? {
                        return Err(super::trigger::refused(&self.configured.schema(), catalog, making.table, refusal));
                    }
                }
            }
        }
        Err(RowError::Unsatisfiable {
            schema: self.configured.schema(),
            table: shown(catalog, making.table),
            constraint: "its constraints".to_owned(),
            definition: format!("{REPAIRS} repairs did not help"),
        })
    }

    fn circle_of(&self, table: &QualifiedName) -> RowError {
        RowError::Circle { schema: self.configured.schema(), path: vec![table.to_string()] }
    }

    /// The rule that a partition takes the row.
    pub(super) fn bounds(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        table: &Relation,
    ) -> Result<Option<Rule>, DatabaseError> {
        let key = table.sql();
        if let Some(known) = self.partitions.get(&key) {
            return Ok(known.clone());
        }
        let rule = partition_rule(sandbox, catalog, table)?;
        self.partitions.insert(key, rule.clone());
        Ok(rule)
    }
}
