//! Changes a row that PostgreSQL rejected, by the SQLSTATE and the table, column and constraint that the error names.

use pgproof_runner::Sandbox;
use pgproof_server::Reported;

use super::keys::{existing, unused};
use super::making::{Fixed, Making};
use super::pool::Breadth;
use super::rules::{Rule, bodies};
use super::trial::kept;
use super::{Row, RowError, RowGenerator, Value};
use crate::{Catalog, Constraint, ConstraintKind, Index, Relation};

/// What a repair did.
pub(super) enum Repair {
    /// The row is another one now.
    Changed,
    /// The row is in the table: a trigger made it.
    Existing(Box<Row>),
    /// There was nothing to change.
    Nothing,
}

impl From<bool> for Repair {
    fn from(changed: bool) -> Repair {
        if changed { Repair::Changed } else { Repair::Nothing }
    }
}

impl RowGenerator {
    /// Changes the row so that it may now be accepted.
    pub(super) fn repair(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        refusal: &Reported,
    ) -> Result<Repair, RowError> {
        let table = making.table;
        let tables = family(catalog, table);
        // A trigger's own statement failed, if the error is about another table.
        let Some(of) = refusal
            .table
            .as_deref()
            .map_or(Some(table), |name| tables.iter().copied().find(|relation| relation.name == name))
        else {
            return Ok(Repair::Nothing);
        };
        let named = |c: &&Constraint| refusal.constraint.as_deref() == Some(&c.name);
        let constraint = catalog.constraints_of(of).find(named);
        match (refusal.sqlstate.as_str(), constraint) {
            // not_null_violation
            ("23502", _) => {
                let column = refusal.column.as_deref().and_then(|name| table.column(name));
                let Some(column) = column.filter(|c| !making.is_fixed(&c.name)) else { return Ok(Repair::Nothing) };
                let key = catalog
                    .constraints_of(table)
                    .find(|c| c.kind == ConstraintKind::ForeignKey && c.columns.contains(&column.name));
                if let Some(key) = key {
                    making.values.remove(&column.name);
                    self.parent(sandbox, catalog, making, key)?;
                    return Ok(Repair::Changed);
                }
                let value = self.typed(sandbox, making, column)?;
                Ok((making.values.insert(column.name.clone(), value.clone()) != Some(value)).into())
            }
            // check_violation, of a CHECK or of the bounds of a partition; a trigger may raise it as well
            ("23514", Some(check)) => {
                let rule = Rule::of_check(catalog, table, check);
                self.satisfy(sandbox, catalog, making, &rule)?;
                Ok(Repair::Changed)
            }
            ("23514", None) if refusal.table.is_some() => {
                let Some(rule) = self.bounds(sandbox, catalog, table)? else { return Ok(Repair::Nothing) };
                if !making.rules.iter().any(|known| known.name == rule.name) {
                    making.rules.push(rule.clone());
                }
                self.satisfy(sandbox, catalog, making, &rule)?;
                Ok(Repair::Changed)
            }
            // foreign_key_violation: a default or a trigger references nothing
            ("23503", Some(key)) if key.columns.iter().any(|c| !making.is_fixed(c)) => {
                if making.offered.contains(&key.name) {
                    return Ok(Repair::Nothing);
                }
                making.offered.push(key.name.clone());
                for column in key.columns.iter().filter(|column| !making.fixed.contains_key(*column)) {
                    making.values.remove(column);
                }
                self.parent(sandbox, catalog, making, key)?;
                Ok(Repair::Changed)
            }
            ("23503", Some(key)) => Ok(self.offer(sandbox, catalog, making, key)?.into()),
            // unique_violation, exclusion_violation
            ("23505" | "23P01", constraint) => {
                let name = refusal.constraint.as_deref();
                let index = catalog.indexes_of(of).find(|index| name == Some(&index.name));
                let Some(index) = index else { return Ok(Repair::Nothing) };
                self.vary(sandbox, catalog, making, index, constraint)
            }
            _ => Ok(Repair::Nothing),
        }
    }

    /// Gives the columns of a unique key that collided values which no row has.
    fn vary(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        index: &Index,
        constraint: Option<&Constraint>,
    ) -> Result<Repair, RowError> {
        let table = making.table;
        let rule = unused(table, index, constraint);
        let free = making.free(&rule.columns);
        let again = making.collided.replace(index.name.clone()).as_ref() == Some(&index.name);
        if free.is_empty() {
            let is_made = rule.columns.iter().all(|column| making.fixed.get(column) == Some(&Fixed::Parent));
            let key: Vec<(&str, Value)> = rule
                .columns
                .iter()
                .filter_map(|column| Some((column.as_str(), making.values.get(column)?.clone())))
                .collect();
            let row = if is_made && !key.is_empty() { existing(sandbox, table, &key)? } else { None };
            return Ok(row.map_or(Repair::Nothing, |row| Repair::Existing(Box::new(row))));
        }
        // Columns under a rule may have few possible values; columns without one come first.
        let rules = making.rules.clone();
        let is_bound = |name: &str| {
            let is_referencing =
                |c: &Constraint| c.kind == ConstraintKind::ForeignKey && c.columns.iter().any(|column| column == name);
            rules.iter().any(|rule| rule.columns.iter().any(|column| column == name))
                || catalog.constraints_of(table).any(is_referencing)
        };
        let plain: Vec<_> =
            free.iter().filter(|column| column.ty.domain.is_none() && !is_bound(&column.name)).collect();
        if !again && !plain.is_empty() {
            let mut changed = false;
            for column in plain {
                if let Some(value) = self.another(column) {
                    making.values.insert(column.name.clone(), value);
                    changed = true;
                }
            }
            if changed {
                return Ok(Repair::Changed);
            }
        }
        let names: Vec<String> = free.iter().map(|column| column.name.clone()).collect();
        let before = making.values.clone();
        if self.choose(sandbox, catalog, making, &names, std::slice::from_ref(&rule), Breadth::Wide)?
            && making.values != before
        {
            return Ok(Repair::Changed);
        }
        // A trigger computes the key from other columns.
        let texts: Vec<String> =
            catalog.triggers_of(table).flat_map(|trigger| bodies(catalog, &trigger.function)).collect();
        let all: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        let sources: Vec<_> = making
            .free(&all)
            .into_iter()
            .filter(|column| {
                !is_bound(&column.name)
                    && texts.iter().any(|text| text.contains(&column.name))
                    && making.values.contains_key(&column.name)
            })
            .collect();
        if again && !sources.is_empty() {
            for column in sources {
                if let Some(value) = self.another(column) {
                    making.values.insert(column.name.clone(), value);
                }
            }
            return Ok(Repair::Changed);
        }
        Err(RowError::Unsatisfiable {
            schema: self.configured.schema(),
            table: super::keys::shown(catalog, table),
            constraint: rule.name.clone(),
            definition: rule.definition.clone(),
        })
    }

    /// Makes the rows that a trigger may reference, whatever the row says: those whose keys its function names.
    fn offer(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        key: &Constraint,
    ) -> Result<bool, RowError> {
        const MOST: usize = 12;
        let Some(references) = &key.references else { return Ok(false) };
        let Some(parent) = catalog.table(&references.qualified_name()) else { return Ok(false) };
        let [referenced] = references.columns.as_slice() else { return Ok(false) };
        let Some(column) = parent.column(referenced) else { return Ok(false) };
        if making.offered.contains(&key.name) {
            return Ok(false);
        }
        making.offered.push(key.name.clone());
        let texts: Vec<String> =
            catalog.triggers_of(making.table).flat_map(|trigger| bodies(catalog, &trigger.function)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut offered = false;
        let values = self.values(sandbox, catalog, column, &texts, Breadth::Usual)?;
        for value in values.into_iter().take(MOST) {
            let made = kept(sandbox, |sandbox| self.insert(sandbox, parent.qualified_name(), &[(referenced, value)]))?;
            offered |= made.is_ok();
        }
        Ok(offered)
    }
}

/// A table and what inherits from it: a partition may have constraints of its own.
fn family<'a>(catalog: &'a Catalog, table: &'a Relation) -> Vec<&'a Relation> {
    let mut found = vec![table];
    let mut place = 0;
    while let Some(parent) = found.get(place) {
        let name = parent.qualified_name();
        found.extend(catalog.tables().filter(|child| child.inherits.contains(&name)));
        place += 1;
    }
    found
}
