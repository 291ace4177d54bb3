//! Finds values that all conditions on a row accept. PostgreSQL itself decides: the conditions are evaluated over
//! candidate rows, many in one statement, without inserting any.

use std::collections::BTreeMap;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::{quote::identifier, quote::literal};
use serde_json::{Map, json};

use super::Value;
use super::expression::{columns_in, conjuncts, equations};
use super::trial::{one, undone_rows};
use crate::{Generation, Relation};

/// The maximum number of combinations in one statement.
const MOST: usize = 6000;

/// How many incomplete rows are followed when the combinations of all columns are too many.
const FOLLOWED: usize = 400;

/// How many candidates are evaluated one by one, if evaluating all at once raised an error.
const MOST_SINGLY: usize = 1500;

type Values = BTreeMap<String, Value>;

/// Conditions on a row of a table, and what is known of the row.
pub(super) struct Question<'a> {
    pub(super) table: &'a Relation,
    /// None may be false.
    pub(super) conditions: Vec<String>,
    pub(super) known: &'a Values,
}

impl Question<'_> {
    /// Which of the conditions are false.
    pub(super) fn broken(&self, sandbox: &mut Sandbox) -> Result<Vec<usize>, DatabaseError> {
        if self.conditions.is_empty() {
            return Ok(Vec::new());
        }
        let each: Vec<_> = self.conditions.iter().map(|condition| not_false(condition)).collect();
        let sql = format!("SELECT {} FROM {}", each.join(", "), self.source("'{}'::jsonb", &[], &self.conditions));
        let Ok(rows) = undone_rows(sandbox.session(), &sql)? else {
            // A condition raised an error: each is asked alone.
            let mut broken = Vec::new();
            for (place, condition) in self.conditions.iter().enumerate() {
                if self.accepted(sandbox, std::slice::from_ref(condition), &[Values::new()], &[], 1)?.is_empty() {
                    broken.push(place);
                }
            }
            return Ok(broken);
        };
        let verdicts = rows.into_iter().next().unwrap_or_default();
        Ok(verdicts.iter().enumerate().filter(|(_, ok)| ok.as_deref() != Some("t")).map(|(place, _)| place).collect())
    }

    /// The value of an expression over what is known of the row.
    pub(super) fn value(&self, sandbox: &mut Sandbox, expression: &str) -> Result<Option<String>, DatabaseError> {
        let source = self.source("'{}'::jsonb", &[], &[]);
        Ok(undone_rows(sandbox.session(), &format!("SELECT ({expression})::text FROM {source}"))?.ok().and_then(one))
    }

    /// The first combination of candidates that all conditions accept; each column has its own candidates.
    pub(super) fn search(
        &self,
        sandbox: &mut Sandbox,
        columns: &[(String, Vec<Value>)],
    ) -> Result<Option<Values>, DatabaseError> {
        let parts: Vec<String> = self.conditions.iter().flat_map(|condition| conjuncts(condition)).collect();
        let parts: Vec<(String, Vec<String>)> =
            parts.into_iter().map(|part| (part.clone(), columns_in(self.table, &part))).collect();
        let is_varied = |name: &String| columns.iter().any(|(column, _)| column == name);
        // What concerns one column alone leaves few of its candidates.
        let mut narrowed = Vec::new();
        for (column, values) in columns {
            let alone: Vec<String> = parts
                .iter()
                .filter(|(_, names)| {
                    names.contains(column) && names.iter().all(|name| name == column || !is_varied(name))
                })
                .map(|(part, _)| part.clone())
                .collect();
            let mut values = values.clone();
            if columns.len() > 1 && !alone.is_empty() {
                let rows: Vec<Values> =
                    values.iter().map(|value| Values::from([(column.clone(), value.clone())])).collect();
                let accepted = self.accepted(sandbox, &alone, &rows, &[], MOST)?;
                values = accepted.into_iter().map(|(place, _)| values[place].clone()).collect();
            }
            if values.is_empty() {
                return Ok(None);
            }
            narrowed.push((column.clone(), values));
        }
        // An equation gives the value of one of its columns.
        let mut computed: Vec<(String, String)> = Vec::new();
        for (part, names) in parts.iter().filter(|(_, names)| names.iter().filter(|name| is_varied(name)).count() > 1) {
            let is_free = |name: &String| {
                is_varied(name)
                    && !computed.iter().any(|(column, of)| column == name || columns_in(self.table, of).contains(name))
            };
            let solution = equations(self.table, part).into_iter().rev().find(|(column, of)| {
                is_free(column)
                    && !columns_in(self.table, of).iter().any(|name| computed.iter().any(|(c, _)| c == name))
            });
            if names.len() > 1 {
                computed.extend(solution);
            }
        }
        if !computed.is_empty() {
            let free: Vec<_> =
                narrowed.iter().filter(|(column, _)| !computed.iter().any(|(c, _)| c == column)).cloned().collect();
            if let Some(found) = self.combined(sandbox, &parts, &free, &computed)? {
                return Ok(Some(found));
            }
        }
        self.combined(sandbox, &parts, &narrowed, &[])
    }

    /// The first combination of these candidates, with computed columns, that all conditions accept.
    fn combined(
        &self,
        sandbox: &mut Sandbox,
        parts: &[(String, Vec<String>)],
        columns: &[(String, Vec<Value>)],
        computed: &[(String, String)],
    ) -> Result<Option<Values>, DatabaseError> {
        let all: Vec<String> = parts.iter().map(|(part, _)| part.clone()).collect();
        let product = columns.iter().try_fold(1_usize, |product, (_, values)| product.checked_mul(values.len()));
        if columns.len() < 2 || product.is_some_and(|product| product <= MOST) {
            let rows = product_of(&[Values::new()], columns);
            return Ok(self.accepted(sandbox, &all, &rows, computed, 1)?.into_iter().next().map(|(_, row)| row));
        }
        // Column by column: a condition is asked as soon as all its columns have values.
        let mut rows = vec![Values::new()];
        for (place, column) in columns.iter().enumerate() {
            let is_last = place + 1 == columns.len();
            let open: Vec<&String> = columns[place + 1..].iter().map(|(name, _)| name).collect();
            let is_open = |name: &String| open.contains(&name) || !is_last && computed.iter().any(|(c, _)| c == name);
            let ready: Vec<String> =
                parts.iter().filter(|(_, names)| !names.iter().any(is_open)).map(|(part, _)| part.clone()).collect();
            let each = (MOST / rows.len().max(1)).max(8);
            let few = (column.0.clone(), column.1.iter().take(each).cloned().collect());
            let next = product_of(&rows, &[few]);
            let (asked, limit) = if is_last { (computed, 1) } else { (&[][..], FOLLOWED) };
            rows = self.accepted(sandbox, &ready, &next, asked, limit)?.into_iter().map(|(_, row)| row).collect();
        }
        Ok(rows.into_iter().next())
    }

    /// Those of these rows that all conditions accept, with their places and computed values.
    pub(super) fn accepted(
        &self,
        sandbox: &mut Sandbox,
        conditions: &[String],
        rows: &[Values],
        computed: &[(String, String)],
        limit: usize,
    ) -> Result<Vec<(usize, Values)>, DatabaseError> {
        let changes: Vec<_> = rows.iter().map(|changes| json!(record(self.table, changes))).collect();
        // The conditions name the row's columns without a prefix, so no other name may be the name of a column.
        let asked = |rows: &str, limit: usize| {
            let each: Vec<_> = conditions.iter().map(|condition| not_false(condition)).collect();
            let each = if each.is_empty() { "true".to_owned() } else { each.join(" AND ") };
            format!(
                "SELECT jsonb_build_array(pgproof_place, pgproof_row) FROM (SELECT pgproof_place, {row} AS pgproof_row \
                 FROM jsonb_array_elements({rows}) WITH ORDINALITY AS pgproof_c (pgproof_changes, pgproof_place), LATERAL {source} \
                 WHERE {each} ORDER BY pgproof_place LIMIT {limit}) AS pgproof_found",
                row = values_of(computed),
                source = self.source("pgproof_changes", computed, conditions),
            )
        };
        let found = match undone_rows(sandbox.session(), &asked(&literal(&json!(changes).to_string()), limit))? {
            Ok(found) => found.into_iter().filter_map(|row| row.into_iter().next()?).collect(),
            Err(_) => Question::singly(sandbox, &changes, &asked("pgproof_one", 1), limit)?,
        };
        let parsed = found
            .iter()
            .filter_map(|text| serde_json::from_str::<(usize, BTreeMap<String, Option<String>>)>(text).ok());
        Ok(parsed
            .filter_map(|(place, values)| {
                let mut row = rows.get(place - 1)?.clone();
                row.extend(values.into_iter().map(|(column, value)| (column, Value::from(value))));
                Some((place - 1, row))
            })
            .collect())
    }

    /// The same, one candidate at a time: one that raises an error, as a cast in a CHECK may, is not accepted.
    fn singly(
        sandbox: &mut Sandbox,
        changes: &[serde_json::Value],
        question: &str,
        limit: usize,
    ) -> Result<Vec<String>, DatabaseError> {
        let body = format!(
            "DECLARE
                pgproof_one jsonb;
                found jsonb[] := '{{}}';
                answer jsonb;
                place int := 0;
            BEGIN
                FOR pgproof_one IN SELECT jsonb_build_array(value) FROM jsonb_array_elements({}) LOOP
                    place := place + 1;
                    answer := NULL;
                    BEGIN
                        EXECUTE {} INTO answer USING pgproof_one;
                    EXCEPTION WHEN OTHERS THEN NULL;
                    END;
                    IF answer IS NOT NULL THEN found := found || jsonb_set(answer, '{{0}}', to_jsonb(place)); END IF;
                    EXIT WHEN cardinality(found) >= {limit};
                END LOOP;
                PERFORM set_config('pgproof.found', to_jsonb(found)::text, true);
            END",
            literal(&json!(changes.iter().take(MOST_SINGLY).collect::<Vec<_>>()).to_string()),
            literal(&question.replace("jsonb_array_elements(pgproof_one)", "jsonb_array_elements($1)")),
        );
        let sql = format!("DO {}; SELECT current_setting('pgproof.found')", literal(&body));
        let answer = undone_rows(sandbox.session(), &sql)?.ok().and_then(one).unwrap_or_default();
        let found: Vec<serde_json::Value> = serde_json::from_str(&answer).unwrap_or_default();
        Ok(found.iter().map(serde_json::Value::to_string).collect())
    }

    /// The candidate row as a FROM item: what is known with the changes, computed columns, then generated columns if a
    /// condition mentions one.
    fn source(&self, changes: &str, computed: &[(String, String)], conditions: &[String]) -> String {
        let (table, alias) = (self.table.sql(), identifier(&self.table.name));
        let mut known = defaults(self.table);
        known.extend(record(self.table, self.known));
        let mut given = format!("({}::jsonb || {changes})", literal(&json!(known).to_string()));
        let all: Vec<String> = conditions.iter().flat_map(|condition| columns_in(self.table, condition)).collect();
        let generated = self.table.columns.iter().filter(|column| column.generation == Generation::Generated);
        let generated = generated.filter(|column| all.contains(&column.name));
        let stages = computed
            .iter()
            .map(|(column, of)| (column.clone(), of.clone()))
            .chain(generated.map(|c| (c.name.clone(), c.generated_as.clone().unwrap_or_default())));
        for (column, of) in stages {
            let ty = self.table.column(&column).map(|column| column.ty.name.clone()).unwrap_or_default();
            given = format!(
                "(SELECT pgproof_given || jsonb_build_object({}, (({of})::{ty})::text) FROM \
                 (SELECT {given} AS pgproof_given) AS pgproof_g, LATERAL jsonb_populate_record(NULL::{table}, pgproof_given) AS {alias})",
                literal(&column)
            );
        }
        format!("jsonb_populate_record(NULL::{table}, {given}) AS {alias}")
    }
}

fn not_false(condition: &str) -> String {
    format!("(({condition}) IS NOT FALSE)")
}

/// The values of computed columns as a JSON object.
fn values_of(computed: &[(String, String)]) -> String {
    let pairs: Vec<_> =
        computed.iter().map(|(column, _)| format!("{}, ({})::text", literal(column), identifier(column))).collect();
    format!("jsonb_build_object({})", pairs.join(", "))
}

/// The defaults of columns that are constants: what a row has that does not mention them.
fn defaults(table: &Relation) -> Map<String, serde_json::Value> {
    let constant = |text: &str| {
        let (value, _) = text.split_once("::").unwrap_or((text, ""));
        let quoted = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let plain = || (value.parse::<f64>().is_ok() || matches!(value, "true" | "false")).then(|| value.to_owned());
        quoted.filter(|inner| !inner.contains('\'')).map(str::to_owned).or_else(plain)
    };
    let columns = table.columns.iter().filter(|column| !matches!(column.ty.base.as_str(), "json" | "jsonb"));
    columns.filter_map(|column| Some((column.name.clone(), json!(constant(column.default.as_deref()?)?)))).collect()
}

/// The row as `jsonb_populate_record` accepts it: texts, read by each type's input function, and documents unchanged.
fn record(table: &Relation, values: &Values) -> Map<String, serde_json::Value> {
    let is_document = |name: &str| table.column(name).is_some_and(|c| matches!(c.ty.base.as_str(), "json" | "jsonb"));
    let value = |column: &str, value: &Value| match value {
        Value::Text(text) if is_document(column) => serde_json::from_str(text).ok(),
        Value::Text(text) => Some(json!(text)),
        Value::Null => Some(serde_json::Value::Null),
        Value::Default => None,
    };
    values.iter().filter_map(|(column, v)| Some((column.clone(), value(column, v)?))).collect()
}

/// Each row with each value of these columns, early values first.
fn product_of(rows: &[Values], columns: &[(String, Vec<Value>)]) -> Vec<Values> {
    let mut all = rows.to_vec();
    for (column, values) in columns {
        all = all
            .iter()
            .flat_map(|row| {
                values.iter().map(move |value| {
                    let mut next = row.clone();
                    next.insert(column.clone(), value.clone());
                    next
                })
            })
            .collect();
        all.truncate(MOST);
    }
    all
}
