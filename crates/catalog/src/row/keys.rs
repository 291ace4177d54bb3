//! Keys of rows: the columns of an index, whether a row with a key is there, and unique keys as rules.

use std::collections::BTreeMap;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::{quote::identifier, quote::literal};

use super::expression::columns_in;
use super::rules::Rule;
use super::{Row, Value};
use crate::{Catalog, Constraint, Index, Relation};

/// The columns of an index; of an expression, all its words: which of them are columns, the caller looks up.
pub fn columns_of_keys(index: &Index) -> Vec<String> {
    let words = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect();
    index
        .keys
        .iter()
        .flat_map(|key| key.column.clone().map_or_else(|| words(&key.expression), |name| vec![name]))
        .collect()
}

/// The condition that no row of the table has the same key: of a unique index, or of an exclusion constraint. It is one
/// over the columns of the table.
pub fn unused_key(table: &Relation, index: &Index, constraint: Option<&Constraint>) -> String {
    unused(table, index, constraint).expression
}

/// A row of a table with these values, if there is one: the first by its values.
pub(super) fn existing(
    sandbox: &mut Sandbox,
    table: &Relation,
    known: &[(&str, Value)],
) -> Result<Option<Row>, DatabaseError> {
    let equal = |(column, value): &(&str, Value)| {
        let ty = table.column(column).map(|column| column.ty.name.as_str()).unwrap_or_default();
        match value {
            Value::Text(text) => format!("{} = {}::{ty}", identifier(column), literal(text)),
            Value::Null | Value::Default => format!("{} IS NULL", identifier(column)),
        }
    };
    let condition: Vec<_> = known.iter().map(equal).collect();
    let condition = if condition.is_empty() { "true".to_owned() } else { condition.join(" AND ") };
    let names: Vec<&String> = table.columns.iter().map(|column| &column.name).collect();
    let texts: Vec<_> = names.iter().map(|name| format!("{}::text", identifier(name))).collect();
    let sql = format!("SELECT {} FROM {} WHERE {condition} ORDER BY 1 LIMIT 1", texts.join(", "), table.sql());
    let found = sandbox.rows(&sql)?.into_iter().next();
    let named = |values: Vec<_>| names.into_iter().cloned().zip(values).collect::<BTreeMap<_, _>>();
    Ok(found.map(|values| Row::of(table, named(values))))
}

/// The first keys that a foreign key of one column can reference.
pub(super) fn existing_keys(sandbox: &mut Sandbox, key: &Constraint) -> Result<Vec<Value>, DatabaseError> {
    let Some(references) = &key.references else { return Ok(Vec::new()) };
    let Some(column) = references.columns.first() else { return Ok(Vec::new()) };
    let (name, table) = (identifier(column), references.qualified_name().sql());
    let sql = format!("SELECT {name}::text FROM {table} WHERE {name} IS NOT NULL ORDER BY {name} LIMIT 50");
    Ok(sandbox.session().column(&sql)?.into_iter().map(Value::Text).collect())
}

/// That no row of the table has the same key: of a unique index, or of an exclusion constraint.
pub(super) fn unused(table: &Relation, index: &Index, constraint: Option<&Constraint>) -> Rule {
    // `EXCLUDE USING gist (room WITH =, during WITH &&)`
    let is_operator = |c: char| "+-*/<>=~!@#%^&|`?".contains(c);
    let definition = constraint.map(|constraint| constraint.definition.as_str()).filter(|d| d.starts_with("EXCLUDE"));
    let operators: Vec<String> = definition
        .map(|text| {
            text.split(" WITH ").skip(1).map(|rest| rest.chars().take_while(|c| is_operator(*c)).collect()).collect()
        })
        .unwrap_or_default();
    let (mut columns, mut same) = (Vec::new(), Vec::new());
    for (place, key) in index.keys.iter().enumerate() {
        let operator = operators.get(place).map_or("=", String::as_str);
        columns.push(format!("({}) AS pgproof_k{place}", key.expression));
        same.push(format!("pgproof_t.pgproof_k{place} {operator} ({})", key.expression));
    }
    let predicate = index.predicate.as_deref();
    let rows = predicate.map_or(String::new(), |predicate| format!(" WHERE {predicate}"));
    let taken = format!(
        "EXISTS (SELECT FROM (SELECT {} FROM {}{rows}) AS pgproof_t WHERE {})",
        columns.join(", "),
        table.sql(),
        same.join(" AND ")
    );
    let expression = match predicate {
        Some(predicate) => format!("(NOT (({predicate}) AND {taken}))"),
        None => format!("(NOT {taken})"),
    };
    let mut names: Vec<String> = index.keys.iter().flat_map(|key| columns_in(table, &key.expression)).collect();
    names.extend(predicate.into_iter().flat_map(|predicate| columns_in(table, predicate)));
    names.dedup();
    let definition = format!("{}; all values that were tried are in the table", index.definition);
    Rule { name: index.name.clone(), is_check: false, definition, expression, columns: names, texts: Vec::new() }
}

/// How messages call a table.
pub(super) fn shown(catalog: &Catalog, table: &Relation) -> String {
    catalog.shown(&table.qualified_name()).to_string()
}
