//! Finds values that all CHECKs of a table accept. PostgreSQL itself decides: the conditions are evaluated over
//! candidate rows, without inserting any.

use std::collections::BTreeMap;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::quote::literal;
use serde_json::{Map, json};

use super::Value;
use crate::{Constraint, Relation};

/// The maximum number of combinations in one search.
const MOST: usize = 6000;

/// The CHECKs that reject a row. Columns left to their defaults count as NULL, which a CHECK does not reject.
pub(super) fn refusing<'a>(
    sandbox: &mut Sandbox,
    table: &Relation,
    checks: &[&'a Constraint],
    values: &BTreeMap<String, Value>,
) -> Result<Vec<&'a Constraint>, DatabaseError> {
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let accepted: Vec<_> = checks.iter().map(|check| format!("{} IS NOT FALSE", condition(check))).collect();
    let sql = format!(
        "SELECT {} FROM jsonb_populate_record(NULL::{}, {})",
        accepted.join(", "),
        table.sql(),
        literal(&json!(row(table, values)).to_string())
    );
    let verdicts = sandbox.rows(&sql)?.into_iter().next().unwrap_or_default();
    Ok(checks.iter().zip(verdicts).filter(|(_, ok)| ok.as_deref() != Some("t")).map(|(check, _)| *check).collect())
}

/// The first combination of candidates that all these CHECKs accept; each column has its own candidates.
pub(super) fn search(
    sandbox: &mut Sandbox,
    table: &Relation,
    checks: &[&Constraint],
    values: &BTreeMap<String, Value>,
    columns: &[(String, Vec<Value>)],
) -> Result<Option<BTreeMap<String, Value>>, DatabaseError> {
    let combinations = combinations(columns);
    let rows: Vec<_> = combinations.iter().map(|changes| json!(row(table, changes))).collect();
    let accepted: Vec<_> = checks.iter().map(|check| format!("{} IS NOT FALSE", condition(check))).collect();
    // The conditions name the row's columns without a prefix, so no other name may be the name of a column.
    let sql = format!(
        "SELECT pgproof_place FROM jsonb_array_elements({}) WITH ORDINALITY AS pgproof_c (pgproof_changes, pgproof_place), \
         LATERAL jsonb_populate_record(NULL::{}, {}::jsonb || pgproof_changes) \
         WHERE {} ORDER BY pgproof_place LIMIT 1",
        literal(&json!(rows).to_string()),
        table.sql(),
        literal(&json!(row(table, values)).to_string()),
        accepted.join(" AND ")
    );
    let place = sandbox.value(&sql)?.and_then(|place| place.parse::<usize>().ok());
    Ok(place.and_then(|place| combinations.into_iter().nth(place - 1)))
}

fn condition(check: &Constraint) -> String {
    format!("({})", check.expression.as_deref().unwrap_or("true"))
}

/// The row as `jsonb_populate_record` accepts it: texts, read by each type's input function, and documents unchanged.
fn row(table: &Relation, values: &BTreeMap<String, Value>) -> Map<String, serde_json::Value> {
    let is_document = |name: &str| table.column(name).is_some_and(|c| matches!(c.ty.base.as_str(), "json" | "jsonb"));
    let value = |column: &str, value: &Value| match value {
        Value::Text(text) if is_document(column) => serde_json::from_str(text).ok(),
        Value::Text(text) => Some(json!(text)),
        Value::Null => Some(serde_json::Value::Null),
        Value::Default => None,
    };
    values.iter().filter_map(|(column, v)| Some((column.clone(), value(column, v)?))).collect()
}

/// All combinations, early candidates first, up to the limit of one search.
fn combinations(columns: &[(String, Vec<Value>)]) -> Vec<BTreeMap<String, Value>> {
    // With many columns, each gets fewer candidates, so that all columns vary.
    let count = u32::try_from(columns.len().max(1)).unwrap_or(1);
    let mut each = 1;
    while (each + 1_usize).checked_pow(count).is_some_and(|product| product <= MOST) {
        each += 1;
    }
    let mut combinations = vec![BTreeMap::new()];
    for (column, candidates) in columns {
        combinations = combinations
            .iter()
            .flat_map(|combination| {
                candidates.iter().take(each).map(move |value| {
                    let mut next = combination.clone();
                    next.insert(column.clone(), value.clone());
                    next
                })
            })
            .collect();
    }
    combinations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_vary_every_column_and_stay_few() {
        let values = |n: usize| (0..n).map(|v| Value::text(v.to_string())).collect::<Vec<_>>();
        let columns: Vec<_> = ["a", "b", "c"].iter().map(|name| ((*name).to_owned(), values(100))).collect();
        let all = combinations(&columns);
        assert!(all.len() <= MOST && all.len() > MOST / 2);
        for (name, _) in &columns {
            assert!(all.iter().any(|row| row[name] != Value::text("0")), "{name} never varies");
        }
    }
}
