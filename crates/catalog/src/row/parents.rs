//! The rows that a row must reference: made before it, found, or promised if the foreign keys lead in a circle.

use pgproof_runner::Sandbox;
use pgproof_sql::quote::literal;

use super::generator::Made;
use super::keys::{existing, shown};
use super::making::{Fixed, Making};
use super::pool::Breadth;
use super::rules::checks_of;
use super::trial::kept;
use super::{Row, RowError, RowGenerator, Value};
use crate::{Catalog, Constraint, ConstraintKind, Generation, Relation};

impl RowGenerator {
    /// The rows that this one must reference.
    pub(super) fn parents(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
    ) -> Result<(), RowError> {
        let table = making.table;
        let required = making.required;
        let must = |column: &String| {
            let is_needed =
                |c: &crate::Column| c.not_null && (c.default.is_none() || c.generation == Generation::Generated);
            required.contains(column) || table.column(column).is_some_and(is_needed)
        };
        let keys = catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::ForeignKey);
        let keys: Vec<&Constraint> = keys.filter(|key| key.columns.iter().any(must)).collect();
        // What a rule says of a referencing column decides which row can be referenced.
        let ruled: Vec<String> = keys
            .iter()
            .flat_map(|key| &key.columns)
            .filter(|column| making.rules.iter().any(|rule| rule.columns.contains(column)))
            .cloned()
            .collect();
        if !ruled.is_empty() {
            let unused: Vec<_> = catalog
                .indexes_of(table)
                .filter(|index| index.unique && index.predicate.is_none())
                .map(|index| super::keys::unused(table, index, None))
                .filter(|rule| rule.columns.iter().all(|column| ruled.contains(column)))
                .collect();
            self.choose(sandbox, catalog, making, &ruled, &unused, Breadth::Usual)?;
        }
        for key in keys {
            self.parent(sandbox, catalog, making, key)?;
        }
        let promised = self.path.last().map(|step| step.promised.clone()).unwrap_or_default();
        for (column, value) in promised {
            making.fix(&column, value, Fixed::Parent);
        }
        Ok(())
    }

    /// Makes the rows that these columns, which were given values, reference now.
    pub(super) fn reference(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        columns: &[String],
    ) -> Result<(), RowError> {
        let is_set = |making: &Making<'_>, c: &String| matches!(making.values.get(c), Some(Value::Text(_)));
        for key in catalog.constraints_of(making.table).filter(|c| c.kind == ConstraintKind::ForeignKey) {
            if key.columns.iter().any(|column| columns.contains(column))
                && key.columns.iter().all(|c| is_set(making, c))
            {
                self.parent(sandbox, catalog, making, key)?;
            }
        }
        Ok(())
    }

    /// Makes or finds the row that a foreign key references, and copies its key.
    pub(super) fn parent(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        key: &Constraint,
    ) -> Result<(), RowError> {
        let Some(references) = &key.references else { return Ok(()) };
        let Some(parent) = catalog.table(&references.qualified_name()) else { return Ok(()) };
        let pairs: Vec<(&String, &String)> = key.columns.iter().zip(&references.columns).collect();
        let mut known: Vec<(&str, Value)> = pairs
            .iter()
            .filter_map(|(column, referenced)| Some((referenced.as_str(), making.values.get(*column)?.clone())))
            .collect();
        for (column, referenced) in &pairs {
            if let Some(value) = generated(sandbox, making, column)? {
                known.push((referenced.as_str(), value));
            }
        }
        if known.iter().any(|(_, value)| *value == Value::Null) {
            return Ok(()); // one NULL and the key is not checked (MATCH SIMPLE)
        }
        if *parent == *making.table {
            return self.own_parent(sandbox, making, &pairs);
        }
        if known.len() == pairs.len() {
            let all_given = key.columns.iter().all(|column| making.fixed.get(column) == Some(&Fixed::Given));
            // Whether a key that the caller gave references a row is the caller's responsibility.
            if all_given && self.path.len() == 1 {
                return Ok(());
            }
            if let Some(row) = existing(sandbox, parent, &known)? {
                let was_made = key.columns.iter().all(|column| making.is_fixed(column));
                copy(making, &pairs, &row, if was_made { Fixed::Parent } else { Fixed::Existing });
                return Ok(());
            }
        }
        if let Some(place) = self.path.iter().position(|step| step.table == parent.sql()) {
            return self.promise(sandbox, making, parent, place, &pairs, &known);
        }
        if let Some(step) = self.path.last_mut() {
            step.values.clone_from(&making.values);
        }
        let made = kept(sandbox, |sandbox| match self.made(sandbox, &references.qualified_name(), &known, &[])? {
            Made::Draft(draft, true) => draft.insert(sandbox),
            Made::Draft(draft, false) => Err(super::trigger::discarded(catalog, &draft.table)),
            Made::Existing(_, row) | Made::Waiting(row) => Ok(row),
        })?;
        match made {
            Ok(row) => copy(making, &pairs, &row, Fixed::Parent),
            Err(RowError::Database(error)) => return Err(error.into()),
            Err(error) => match existing(sandbox, parent, &known)? {
                Some(row) => copy(making, &pairs, &row, Fixed::Existing),
                None if !error.is_of_table() => return Err(error),
                None => {
                    return Err(RowError::Parent {
                        table: shown(catalog, making.table),
                        parent: shown(catalog, parent),
                        constraint: key.name.clone(),
                        source: Box::new(error),
                    });
                }
            },
        }
        Ok(())
    }

    /// The next number of the column's sequence, if it has one: another number would collide with it later.
    fn numbered(sandbox: &mut Sandbox, table: &Relation, column: &str) -> Result<Option<Value>, RowError> {
        let sequence = format!("pg_get_serial_sequence({}, {})", literal(&table.sql()), literal(column));
        let sql = format!("SELECT CASE WHEN {sequence} IS NOT NULL THEN nextval({sequence}) END");
        Ok(sandbox.value(&sql)?.map(Value::Text))
    }

    /// The row references itself.
    fn own_parent(
        &mut self,
        sandbox: &mut Sandbox,
        making: &mut Making<'_>,
        pairs: &[(&String, &String)],
    ) -> Result<(), RowError> {
        for (column, referenced) in pairs {
            let Some(own) = making.table.column(referenced) else { continue };
            let value = match making.values.get(*referenced) {
                Some(value) if *value != Value::Default => value.clone(),
                _ => match RowGenerator::numbered(sandbox, making.table, referenced)? {
                    Some(value) => value,
                    None => self.typed(sandbox, making, own)?,
                },
            };
            making.values.insert((*referenced).clone(), value.clone());
            making.values.insert((*column).clone(), value);
        }
        Ok(())
    }

    /// References a row that is being made further up in the path: one that is there already, or the one being made. Its
    /// key is decided now, and all rows of the circle are inserted in one statement.
    fn promise(
        &mut self,
        sandbox: &mut Sandbox,
        making: &mut Making<'_>,
        parent: &Relation,
        place: usize,
        pairs: &[(&String, &String)],
        known: &[(&str, Value)],
    ) -> Result<(), RowError> {
        if let Some(row) = existing(sandbox, parent, known)? {
            copy(making, pairs, &row, Fixed::Existing);
            return Ok(());
        }
        for (column, referenced) in pairs {
            let decided =
                self.path[place].promised.get(*referenced).or_else(|| self.path[place].values.get(*referenced));
            let decided = decided.filter(|value| matches!(value, Value::Text(_))).cloned();
            let Some(own) = parent.column(referenced) else { continue };
            let numbered = match decided {
                Some(value) => Some(value),
                None => RowGenerator::numbered(sandbox, parent, referenced)?,
            };
            let value = match numbered {
                Some(value) => value,
                None => self.promised_key(sandbox, parent, own)?,
            };
            self.path[place].promised.insert((*referenced).clone(), value.clone());
            making.fix(column, value, Fixed::Parent);
        }
        self.circle = Some(self.circle.map_or(place, |before| before.min(place)));
        Ok(())
    }

    /// A value for a column of a row that is being made further up, which rules on the column alone accept.
    fn promised_key(
        &mut self,
        sandbox: &mut Sandbox,
        parent: &Relation,
        column: &crate::Column,
    ) -> Result<Value, RowError> {
        let catalog = std::sync::Arc::clone(&self.catalog);
        let mut making = Making::of(parent, checks_of(&catalog, parent), &[]);
        let alone = std::slice::from_ref(&column.name);
        making.rules.retain(|rule| rule.columns == *alone);
        let is_reference = catalog
            .constraints_of(parent)
            .any(|key| key.kind == ConstraintKind::ForeignKey && key.columns.contains(&column.name));
        if !making.rules.is_empty()
            && !is_reference
            && self.choose(sandbox, &catalog, &mut making, alone, &[], Breadth::Usual)?
            && let Some(value @ Value::Text(_)) = making.values.remove(&column.name)
        {
            return Ok(value);
        }
        self.another(column).ok_or_else(|| RowError::UnknownType {
            schema: self.configured.schema(),
            table: shown(&catalog, parent),
            column: column.name.clone(),
            ty: column.ty.name.clone(),
        })
    }

    /// Leaves the row to be inserted with the one that it references.
    pub(super) fn wait(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
    ) -> Result<Row, RowError> {
        // What others may reference must be known before the row is stored.
        let keys = catalog.indexes_of(making.table).filter(|index| index.unique).flat_map(|index| &index.keys);
        let columns: Vec<String> = keys.filter_map(|key| key.column.clone()).collect();
        for column in making.free(&columns) {
            if !matches!(making.values.get(&column.name), Some(Value::Text(_))) && making.needs(column) {
                let value = match RowGenerator::numbered(sandbox, making.table, &column.name)? {
                    Some(value) => value,
                    None => self.typed(sandbox, making, column)?,
                };
                making.values.insert(column.name.clone(), value);
            }
        }
        self.waiting.push(making.draft().sql());
        let values = making.values.iter().map(|(column, value)| (column.clone(), value.clone().into_text()));
        Ok(Row::of(making.table, values.collect()))
    }
}

/// Copies the key of a referenced row.
fn copy(making: &mut Making<'_>, pairs: &[(&String, &String)], parent: &Row, why: Fixed) {
    for (column, referenced) in pairs {
        if making.table.column(column).is_none_or(|column| column.generation == Generation::Generated) {
            continue;
        }
        let value: Value = parent.value(referenced).map(str::to_owned).into();
        making.fix(column, value, why);
    }
}

/// The value of a generated column, as far as the row decides it.
fn generated(sandbox: &mut Sandbox, making: &Making<'_>, column: &str) -> Result<Option<Value>, RowError> {
    let of = making.table.column(column).and_then(|column| column.generated_as.clone());
    let Some(of) = of else { return Ok(None) };
    let question = super::solve::Question { table: making.table, conditions: Vec::new(), known: &making.values };
    let found = question.value(sandbox, &of)?;
    Ok(found.map(Value::Text))
}
