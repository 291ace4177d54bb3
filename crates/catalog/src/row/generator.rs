//! Generates a row: a minimal one from the catalog, then repaired according to PostgreSQL's errors until it is
//! accepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgproof_runner::Sandbox;
use pgproof_server::{Attempt, DatabaseError, Reported};
use pgproof_sql::QualifiedName;
use pgproof_sql::quote::literal;

use super::candidates::candidates;
use super::keys::{columns_of_keys, exists, shown};
use super::value::sample;
use super::{Draft, Row, RowError, Value, solve};
use crate::{Catalog, Column, Constraint, ConstraintKind, Relation};

/// How often a row may be repaired before the generator gives up.
const REPAIRS: usize = 40;

/// Generates rows. Each row differs from the previous ones.
#[derive(Debug)]
pub struct RowGenerator {
    catalog: Arc<Catalog>,
    /// The number from which the next values are generated.
    next: u64,
    /// The tables whose rows are being generated, to detect circular foreign keys.
    path: Vec<String>,
}

/// The row being generated.
struct Making<'a> {
    table: &'a Relation,
    /// Columns fixed by the caller or by a foreign key: repairs do not change them.
    fixed: Vec<String>,
    /// Columns that get a value although they are nullable.
    required: &'a [String],
    values: BTreeMap<String, Value>,
    /// Values that a unique key has rejected.
    taken: Vec<(String, Value)>,
}

impl RowGenerator {
    /// A generator for the schema in a sandbox.
    pub fn of(sandbox: &mut Sandbox) -> Result<RowGenerator, DatabaseError> {
        Ok(RowGenerator { catalog: Catalog::of(sandbox)?, next: 1, path: Vec::new() })
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
        let catalog = Arc::clone(&self.catalog);
        let table = table.into();
        let relation = catalog.table(&table).ok_or_else(|| RowError::NoTable { table: table.to_string() })?;
        if let Some((column, _)) = given.iter().find(|(column, _)| relation.column(column).is_none()) {
            return Err(RowError::NoColumn { table: table.to_string(), column: (*column).to_owned() });
        }
        let key = relation.sql();
        if self.path.contains(&key) {
            let path = self.path.iter().chain([&key]).cloned().collect();
            return Err(RowError::Circle { path });
        }
        self.path.push(key);
        let result = self.make(sandbox, &catalog, relation, given, required);
        self.path.pop();
        result
    }

    /// Generates a row and inserts it.
    pub fn insert(
        &mut self,
        sandbox: &mut Sandbox,
        table: impl Into<QualifiedName>,
        given: &[(&str, Value)],
    ) -> Result<Row, RowError> {
        self.draft(sandbox, table, given)?.insert(sandbox)
    }

    /// Whether any row can have this value in a column: the rest of the row is adapted to it.
    pub fn completes(
        sandbox: &mut Sandbox,
        table: &QualifiedName,
        column: &str,
        value: Value,
    ) -> Result<bool, DatabaseError> {
        let mut generator = RowGenerator::of(sandbox)?;
        sandbox.undone(|sandbox| match generator.draft(sandbox, table, &[(column, value)]) {
            Ok(_) => Ok(true),
            Err(RowError::Database(error)) => Err(error),
            Err(_) => Ok(false),
        })
    }

    /// A value for a column that differs from all previous ones, or `None` if the type is unknown.
    pub fn another(&mut self, column: &Column) -> Option<Value> {
        self.next += 1;
        sample(&column.ty, self.next, &column.name).map(Value::Text)
    }

    fn make(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        table: &Relation,
        given: &[(&str, Value)],
        required: &[String],
    ) -> Result<Draft, RowError> {
        let mut making = Making {
            table,
            required,
            taken: Vec::new(),
            fixed: given.iter().map(|(column, _)| (*column).to_owned()).collect(),
            values: given.iter().map(|(column, value)| ((*column).to_owned(), value.clone())).collect(),
        };
        for key in catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::ForeignKey) {
            let must = |column: &String| {
                required.contains(column) || table.column(column).is_some_and(|c| c.not_null && c.default.is_none())
            };
            if key.columns.iter().any(must) {
                self.parent(sandbox, catalog, &mut making, key)?;
            }
        }
        for column in &table.columns {
            let wanted = required.contains(&column.name) || column.not_null && column.default.is_none();
            let needed = wanted && column.generation.is_insertable();
            let identity = column.generation != crate::Generation::None;
            if needed && !identity && !making.values.contains_key(&column.name) {
                let value = self.typed(sandbox, table, column)?;
                making.values.insert(column.name.clone(), value);
            }
        }
        let checks: Vec<_> = catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::Check).collect();
        for check in solve::refusing(sandbox, table, &checks, &making.values)? {
            self.satisfy(sandbox, catalog, &mut making, check)?;
        }
        for _ in 0..REPAIRS {
            let draft = Draft { table: table.clone(), values: making.values.clone(), overriding: false };
            // Deferrable constraints would otherwise be checked only at the end of the transaction.
            let refusal = match sandbox.attempt(&format!("SET CONSTRAINTS ALL IMMEDIATE; {}", draft.sql()))? {
                Attempt::Accepted => return Ok(draft),
                Attempt::Refused(refusal) => refusal,
            };
            if !self.repair(sandbox, catalog, &mut making, &refusal)? {
                return Err(RowError::Refused { table: shown(catalog, table), refusal });
            }
        }
        Err(RowError::Unsatisfiable {
            table: shown(catalog, table),
            constraint: "its constraints".to_owned(),
            definition: format!("{REPAIRS} repairs did not help"),
        })
    }

    /// Changes the row so that it may now be accepted. Returns false if there is nothing to change.
    fn repair(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        refusal: &Reported,
    ) -> Result<bool, RowError> {
        let table = making.table;
        let named = |c: &&Constraint| refusal.constraint.as_deref() == Some(&c.name);
        let constraint = catalog.constraints_of(table).find(named);
        match (refusal.sqlstate.as_str(), constraint) {
            // not_null_violation
            ("23502", _) => {
                let column = refusal.column.as_deref().and_then(|name| table.column(name));
                let Some(column) = column.filter(|c| !making.fixed.contains(&c.name)) else { return Ok(false) };
                let value = self.typed(sandbox, table, column)?;
                Ok(making.values.insert(column.name.clone(), value.clone()) != Some(value))
            }
            // check_violation
            ("23514", Some(check)) if refusal.table.as_deref() == Some(&table.name) => {
                self.satisfy(sandbox, catalog, making, check)?;
                Ok(true)
            }
            // foreign_key_violation: a default that references nothing
            ("23503", Some(key)) if key.columns.iter().any(|c| !making.fixed.contains(c)) => {
                self.parent(sandbox, catalog, making, key)?;
                Ok(true)
            }
            // unique_violation, exclusion_violation
            ("23505" | "23P01", constraint) => {
                let index = refusal
                    .constraint
                    .as_deref()
                    .and_then(|name| catalog.indexes_of(table).find(|index| index.name == name));
                let columns: Vec<String> = match (constraint, index) {
                    (Some(constraint), _) => constraint.columns.clone(),
                    (None, Some(index)) => columns_of_keys(index),
                    (None, None) => return Ok(false),
                };
                self.vary(sandbox, catalog, making, &columns)
            }
            _ => Ok(false),
        }
    }

    /// Gives new values to those of these columns that may change.
    fn vary(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        columns: &[String],
    ) -> Result<bool, RowError> {
        let table = making.table;
        let checks: Vec<_> = catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::Check).collect();
        let checked = |column: &String| checks.iter().any(|check| check.columns.contains(column));
        // Columns under a CHECK may have few possible values; columns without one come first.
        let free: Vec<String> = columns.iter().filter(|column| !making.fixed.contains(column)).cloned().collect();
        let unchecked: Vec<String> = free.iter().filter(|column| !checked(column)).cloned().collect();
        let mut changed = false;
        for column in unchecked.iter().filter_map(|name| table.column(name)) {
            if let (true, Some(value)) = (column.generation.is_insertable(), self.another(column)) {
                making.values.insert(column.name.clone(), value);
                changed = true;
            }
        }
        if changed || free.is_empty() {
            return Ok(changed);
        }
        for name in &free {
            if let Some(value) = making.values.get(name) {
                making.taken.push((name.clone(), value.clone()));
            }
        }
        for check in checks.iter().filter(|check| check.columns.iter().any(|column| free.contains(column))) {
            self.satisfy(sandbox, catalog, making, check)?;
        }
        Ok(true)
    }

    /// Gives the columns of a CHECK values that it accepts.
    fn satisfy(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        check: &Constraint,
    ) -> Result<(), RowError> {
        let table = making.table;
        let all: Vec<_> = catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::Check).collect();
        let touching: Vec<_> =
            all.into_iter().filter(|c| c.columns.iter().any(|column| check.columns.contains(column))).collect();
        let definitions: Vec<_> = touching.iter().map(|c| c.definition.as_str()).collect();
        let mut columns = Vec::new();
        let free: Vec<_> = check.columns.iter().filter(|name| !making.fixed.contains(name)).collect();
        for column in free.into_iter().filter_map(|name| table.column(name)) {
            if !column.generation.is_insertable() {
                continue;
            }
            let mut values: Vec<Value> = candidates(&column.ty, &definitions).into_iter().map(Value::Text).collect();
            let others = check.columns.iter().filter_map(|other| making.values.get(other)).cloned();
            values.extend(others.filter(|value| matches!(value, Value::Text(_)) && comparable(table, column, check)));
            values.extend(self.another(column));
            let key = catalog
                .constraints_of(table)
                .find(|c| c.kind == ConstraintKind::ForeignKey && c.columns == [column.name.clone()]);
            if let Some(key) = key {
                self.parent(sandbox, catalog, making, key)?;
                values = vec![making.values[&column.name].clone()];
                making.fixed.retain(|fixed| *fixed != column.name);
            }
            if !column.not_null && !making.required.contains(&column.name) {
                values.push(Value::Null);
            }
            values.retain(|value| !making.taken.iter().any(|(name, taken)| *name == column.name && taken == value));
            columns.push((column.name.clone(), values));
        }
        match solve::search(sandbox, table, &touching, &making.values, &columns)? {
            Some(found) if !columns.is_empty() => {
                making.values.extend(found);
                Ok(())
            }
            _ => Err(RowError::Unsatisfiable {
                table: shown(catalog, table),
                constraint: check.name.clone(),
                definition: check.definition.clone(),
            }),
        }
    }

    /// Creates the row that a foreign key references, and copies its key.
    fn parent(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        key: &Constraint,
    ) -> Result<(), RowError> {
        let Some(references) = &key.references else { return Ok(()) };
        let parent_name = references.qualified_name();
        let pairs: Vec<_> = key.columns.iter().zip(&references.columns).collect();
        let known: Vec<(&str, Value)> = pairs
            .iter()
            .filter_map(|(column, referenced)| Some((referenced.as_str(), making.values.get(*column)?.clone())))
            .collect();
        if known.iter().any(|(_, value)| *value == Value::Null) {
            return Ok(()); // one NULL and the key is not checked (MATCH SIMPLE)
        }
        if known.len() == pairs.len() {
            // The caller gave the whole key; whether it references a row is the caller's responsibility.
            let all_given = key.columns.iter().all(|column| making.fixed.contains(column));
            if all_given && (self.path.len() == 1 || exists(sandbox, catalog, &parent_name, &known)?) {
                return Ok(());
            }
        }
        if references.schema == making.table.schema && references.table == making.table.name {
            // A row may reference itself.
            for (column, referenced) in pairs {
                let Some(own) = making.table.column(referenced) else { continue };
                let value = match making.values.get(referenced) {
                    Some(value) => value.clone(),
                    None => self.typed(sandbox, making.table, own)?,
                };
                making.values.insert(referenced.clone(), value.clone());
                making.values.insert(column.clone(), value);
            }
            return Ok(());
        }
        let parent = self.insert(sandbox, &parent_name, &known)?;
        for (column, referenced) in pairs {
            making.values.insert(column.clone(), parent.value(referenced).map(str::to_owned).into());
            if !making.fixed.contains(column) {
                making.fixed.push(column.clone());
            }
        }
        Ok(())
    }

    /// A value of the column's type that its domain accepts.
    fn typed(&mut self, sandbox: &mut Sandbox, table: &Relation, column: &Column) -> Result<Value, RowError> {
        let unknown = || RowError::UnknownType {
            table: table.name.clone(),
            column: column.name.clone(),
            ty: column.ty.name.clone(),
        };
        let first = self.another(column);
        let (Some(domain), Some(checks)) = (&column.ty.domain, &column.ty.domain_checks) else {
            return first.ok_or_else(unknown);
        };
        let definitions: Vec<_> = checks.iter().map(String::as_str).collect();
        let rest = candidates(&column.ty, &definitions).into_iter().map(Value::Text);
        for value in first.into_iter().chain(rest) {
            if let Value::Text(text) = &value
                && sandbox.attempt(&format!("SELECT {}::{domain}", literal(text)))?.is_accepted()
            {
                return Ok(value);
            }
        }
        Err(RowError::Unsatisfiable {
            table: table.name.clone(),
            constraint: format!("domain {domain}"),
            definition: checks.join(" "),
        })
    }
}

/// Whether the columns of a CHECK have the same type, so that a value of one may suit another.
fn comparable(table: &Relation, column: &Column, check: &Constraint) -> bool {
    check.columns.iter().filter_map(|name| table.column(name)).all(|other| other.ty == column.ty)
}
