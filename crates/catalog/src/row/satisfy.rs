//! Chooses values that rules accept: those of a CHECK, of the bounds of a partition, of a domain, or of a unique key in a
//! table that has rows.

use pgproof_runner::Sandbox;
use pgproof_server::{DatabaseError, Session};

use super::candidates::is_sure;
use super::keys::{existing_keys, shown};
use super::making::Making;
use super::pool::{Breadth, pool};
use super::rules::Rule;
use super::solve::Question;
use super::trial::valid;
use super::types::{Shape, shape};
use super::value::sample;
use super::{RowError, RowGenerator, Value};
use crate::{Catalog, Column, ConstraintKind};

impl RowGenerator {
    /// Gives the columns of a rule values that it accepts.
    pub(super) fn satisfy(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        rule: &Rule,
    ) -> Result<(), RowError> {
        // First the columns of the rule alone, then those of the rules that share a column with it.
        let shares = |other: &&Rule| other.columns.iter().any(|column| rule.columns.contains(column));
        let mut neighbours: Vec<String> = rule.columns.clone();
        neighbours.extend(making.rules.iter().filter(shares).flat_map(|other| other.columns.iter().cloned()));
        neighbours.sort();
        neighbours.dedup();
        for columns in [&rule.columns, &neighbours] {
            if self.choose(sandbox, catalog, making, columns, std::slice::from_ref(rule), Breadth::Usual)? {
                return Ok(());
            }
        }
        if self.choose(sandbox, catalog, making, &rule.columns, std::slice::from_ref(rule), Breadth::Wide)? {
            return Ok(());
        }
        let others = making.rules.iter().filter(shares).filter(|other| other.name != rule.name);
        let others: Vec<_> = others.map(|other| format!("with {}: {}", other.name, other.definition)).collect();
        Err(RowError::Unsatisfiable {
            schema: self.configured.schema(),
            table: shown(catalog, making.table),
            constraint: rule.name.clone(),
            definition: std::iter::once(rule.definition.clone()).chain(others).collect::<Vec<_>>().join(", "),
        })
    }

    /// Gives those of these columns that may change values which these rules, and the row's own, accept. False if none
    /// were found.
    pub(super) fn choose(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        making: &mut Making<'_>,
        columns: &[String],
        rules: &[Rule],
        breadth: Breadth,
    ) -> Result<bool, RowError> {
        let free = making.free(columns);
        if free.is_empty() {
            return Ok(false);
        }
        let touched: Vec<&Rule> = making
            .rules
            .iter()
            .filter(|rule| rule.columns.iter().any(|name| free.iter().any(|column| column.name == *name)))
            .chain(rules)
            .collect();
        let mut conditions: Vec<String> = touched.iter().map(|rule| rule.expression.clone()).collect();
        conditions.sort();
        conditions.dedup();
        let mut varied = Vec::new();
        for column in &free {
            let about = touched.iter().filter(|rule| rule.columns.contains(&column.name));
            let texts: Vec<&str> = about.flat_map(|rule| rule.texts.iter().map(String::as_str)).collect();
            let mut values = self.values(sandbox, catalog, column, &texts, breadth)?;
            let same_type = |name: &&String| making.table.column(name).is_some_and(|other| other.ty == column.ty);
            let others: Vec<Value> =
                columns.iter().filter(same_type).filter_map(|name| making.values.get(name)).cloned().collect();
            values.extend(others.into_iter().filter(|value| matches!(value, Value::Text(_))));
            values.extend(self.another(column));
            let key = catalog
                .constraints_of(making.table)
                .find(|c| c.kind == ConstraintKind::ForeignKey && c.columns == [column.name.clone()]);
            if let Some(key) = key {
                let mut existing = existing_keys(sandbox, key)?;
                existing.extend(values);
                values = existing;
            }
            if !making.needs(column) {
                values.push(Value::Null);
            }
            let mut seen = std::collections::HashSet::new();
            values.retain(|value| seen.insert(value.sql()));
            varied.push((column.name.clone(), values));
        }
        let question = Question { table: making.table, conditions, known: &making.values };
        let Some(found) = question.search(sandbox, &varied)? else { return Ok(false) };
        let changed: Vec<String> = found.keys().cloned().collect();
        making.values.extend(found);
        self.reference(sandbox, catalog, making, &changed)?;
        Ok(true)
    }

    /// Candidates for a column that are valid for its type.
    pub(super) fn values(
        &mut self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        column: &Column,
        texts: &[&str],
        breadth: Breadth,
    ) -> Result<Vec<Value>, DatabaseError> {
        let texts = pool(catalog, &column.ty.name, texts, breadth, self.next + 1);
        let (mut sure, mut unsure) = (Vec::new(), Vec::new());
        for text in &texts {
            match is_sure(&column.ty, text) {
                Some(true) => sure.push(text.clone()),
                Some(false) => {}
                None => unsure.push(text.clone()),
            }
        }
        if !unsure.is_empty() {
            sure.extend(valid(sandbox.session(), &column.ty.name, &unsure)?);
        }
        Ok(sure.into_iter().map(Value::Text).collect())
    }

    /// A value of the column's type that its domain accepts.
    pub(super) fn typed(
        &mut self,
        sandbox: &mut Sandbox,
        making: &Making<'_>,
        column: &Column,
    ) -> Result<Value, RowError> {
        let catalog = std::sync::Arc::clone(&self.catalog);
        let table = shown(&catalog, making.table);
        let first = self.another(column);
        let is_simple = sample(&column.ty, self.next, &column.name).is_some();
        if let Some(value) = first.as_ref().filter(|_| is_simple && !holds_domain(&catalog, &column.ty.name)) {
            return Ok(value.clone());
        }
        let mut texts: Vec<String> = first.into_iter().filter_map(Value::into_text).collect();
        texts.extend(pool(&catalog, &column.ty.name, &[], Breadth::Usual, self.next));
        if let Some(text) = valid(sandbox.session(), &column.ty.name, &texts)?.into_iter().next() {
            return Ok(Value::Text(text));
        }
        let (column, ty, schema) = (column.name.clone(), column.ty.name.clone(), self.configured.schema());
        Err(match inner_shape(&catalog, &ty) {
            Shape::Enum(labels) if labels.is_empty() => RowError::NoLabels { table, column, ty },
            Shape::Domain(_, checks) => RowError::Unsatisfiable {
                schema,
                table,
                constraint: format!("domain {ty}"),
                definition: checks.join(" "),
            },
            _ => RowError::UnknownType { schema, table, column, ty },
        })
    }
}

/// Values of a column that conditions with these definitions might accept, likelier ones first: all are values of its type,
/// and its domain accepts them. A transaction must be open.
pub fn values_for(
    session: &mut Session,
    catalog: &Catalog,
    column: &Column,
    definitions: &[&str],
) -> Result<Vec<String>, DatabaseError> {
    valid(session, &column.ty.name, &pool(catalog, &column.ty.name, definitions, Breadth::Usual, 1))
}

/// Whether a value of the type has values of a domain in it.
fn holds_domain(catalog: &Catalog, ty: &str) -> bool {
    match shape(catalog, ty) {
        Shape::Scalar | Shape::Enum(_) => false,
        Shape::Domain(..) => true,
        Shape::Array(inner) | Shape::Range(inner) | Shape::Multirange(inner) => holds_domain(catalog, &inner),
        Shape::Composite(attributes) => attributes.iter().any(|ty| holds_domain(catalog, ty)),
    }
}

/// The shape of a type, or of the elements of an array.
fn inner_shape(catalog: &Catalog, ty: &str) -> Shape {
    match shape(catalog, ty) {
        Shape::Array(element) => inner_shape(catalog, &element),
        shape => shape,
    }
}
