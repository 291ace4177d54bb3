//! The row that is being made: its values so far, which of them may change, and the rules that it must keep.

use std::collections::BTreeMap;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;

use super::rules::Rule;
use super::solve::Question;
use super::{Draft, Value};
use crate::{Column, Generation, Relation};

/// Why repairs do not change a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixed {
    /// The caller or `pgproof.toml` gave the value.
    Given,
    /// It references a row that was made for this one.
    Parent,
    /// It references a row that was there before.
    Existing,
}

/// The row that is being made.
pub(super) struct Making<'a> {
    pub(super) table: &'a Relation,
    pub(super) rules: Vec<Rule>,
    pub(super) fixed: BTreeMap<String, Fixed>,
    /// Columns that get a value although they are nullable.
    pub(super) required: &'a [String],
    pub(super) values: BTreeMap<String, Value>,
    /// The unique key that rejected the row last.
    pub(super) collided: Option<String>,
    /// Foreign keys for which the rows that a trigger may choose were made.
    pub(super) offered: Vec<String>,
    /// INSERTs of the rows that reference this one, which it references in turn.
    pub(super) waiting: Vec<String>,
}

impl<'a> Making<'a> {
    pub(super) fn of(table: &'a Relation, rules: Vec<Rule>, required: &'a [String]) -> Making<'a> {
        Making {
            table,
            rules,
            required,
            fixed: BTreeMap::new(),
            values: BTreeMap::new(),
            collided: None,
            offered: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Gives a column a value for good.
    pub(super) fn fix(&mut self, column: &str, value: Value, why: Fixed) {
        self.values.insert(column.to_owned(), value);
        self.fixed.entry(column.to_owned()).or_insert(why);
    }

    pub(super) fn is_fixed(&self, column: &str) -> bool {
        self.fixed.contains_key(column)
    }

    /// The columns among these that a repair may change.
    pub(super) fn free(&self, columns: &[String]) -> Vec<&'a Column> {
        let table = self.table;
        let free = columns.iter().filter(|name| !self.is_fixed(name)).filter_map(|name| table.column(name));
        free.filter(|column| column.generation != Generation::Generated).collect()
    }

    /// Whether the row leaves a column to its default.
    pub(super) fn has_default(&self, column: &str) -> bool {
        let is_set = self.values.get(column).is_some_and(|value| *value != Value::Default);
        !is_set && self.table.column(column).is_some_and(|column| column.default.is_some())
    }

    /// Whether a column must have a value.
    pub(super) fn needs(&self, column: &Column) -> bool {
        column.not_null || self.required.contains(&column.name)
    }

    /// The rules that the row breaks. Columns left to their defaults count as NULL, which a rule does not reject, unless
    /// the default is a constant.
    pub(super) fn broken(&self, sandbox: &mut Sandbox) -> Result<Vec<Rule>, DatabaseError> {
        let conditions = self.rules.iter().map(|rule| rule.expression.clone()).collect();
        let question = Question { table: self.table, conditions, known: &self.values };
        Ok(question.broken(sandbox)?.into_iter().map(|place| self.rules[place].clone()).collect())
    }

    /// The row as it is now.
    pub(super) fn draft(&self) -> Draft {
        let is_set = |column: &&Column| self.values.get(&column.name).is_some_and(|value| *value != Value::Default);
        let overriding = self.table.columns.iter().filter(is_set).any(|c| c.generation == Generation::IdentityAlways);
        Draft { table: self.table.clone(), values: self.values.clone(), overriding, waiting: self.waiting.clone() }
    }
}
