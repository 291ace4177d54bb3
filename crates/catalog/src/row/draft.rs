//! A row to be inserted, and a row that exists.

use std::collections::BTreeMap;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::{quote::identifier, quote::literal};

use super::{RowError, Value};
use crate::Relation;

/// A row that can be inserted: its parents exist, and a trial insert succeeded. Change a column to try a variant.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) table: Relation,
    pub(super) values: BTreeMap<String, Value>,
    /// Whether `GENERATED ALWAYS AS IDENTITY` columns get explicit values.
    pub(super) overriding: bool,
    /// INSERTs of rows that reference this one, which it references in turn: all are inserted in one statement, because
    /// PostgreSQL checks foreign keys at the end of a statement at the earliest.
    pub(super) waiting: Vec<String>,
}

impl Draft {
    /// The same row, with its explicit values for `GENERATED ALWAYS AS IDENTITY` columns.
    pub fn overriding(mut self) -> Draft {
        self.overriding = true;
        self
    }

    /// The same row with a different value in one column.
    pub fn with(&self, column: &str, value: Value) -> Draft {
        let mut draft = self.clone();
        draft.values.insert(column.to_owned(), value);
        draft
    }

    /// What the row specifies for a column.
    pub fn value(&self, column: &str) -> &Value {
        self.values.get(column).unwrap_or(&Value::Default)
    }

    /// The columns that do not get their defaults.
    pub fn columns(&self) -> Vec<&str> {
        self.said().iter().map(|(column, _)| column.as_str()).collect()
    }

    /// The INSERT.
    pub fn sql(&self) -> String {
        let waiting = self.waiting.iter().enumerate();
        let waiting: Vec<_> = waiting.map(|(place, insert)| format!("pgproof_{place} AS ({insert})")).collect();
        let with = if waiting.is_empty() { String::new() } else { format!("WITH {} ", waiting.join(", ")) };
        format!("{with}INSERT INTO {} {}", self.table.sql(), self.values_sql())
    }

    /// Whether it is inserted together with others that reference it.
    pub(super) fn is_circle(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The part after INSERT, in a statement of its own or in MERGE: columns and values.
    pub fn values_sql(&self) -> String {
        let said = self.said();
        if said.is_empty() {
            return "DEFAULT VALUES".to_owned();
        }
        let values: Vec<_> = said.iter().map(|(_, value)| value.sql()).collect();
        let overriding = if self.overriding { " OVERRIDING SYSTEM VALUE" } else { "" };
        format!("({}){overriding} VALUES ({})", names(&said), values.join(", "))
    }

    /// A COPY FROM and the line of data for this row.
    pub fn copy_sql(&self) -> (String, String) {
        let said = self.said();
        let field = |value: &Value| match value {
            Value::Text(text) => {
                text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
            }
            Value::Null | Value::Default => "\\N".to_owned(),
        };
        let fields: Vec<_> = said.iter().map(|(_, value)| field(value)).collect();
        let columns = if said.is_empty() { String::new() } else { format!(" ({})", names(&said)) };
        (format!("COPY {}{columns} FROM STDIN", self.table.sql()), fields.join("\t") + "\n")
    }

    /// The same, with what the row specifies for them.
    fn said(&self) -> Vec<(&String, &Value)> {
        self.values.iter().filter(|(_, value)| **value != Value::Default).collect()
    }

    /// The query for a row with the values of this one.
    fn found_sql(&self, columns: &[String]) -> String {
        let equal = |(column, value): &(&String, &Value)| match value {
            Value::Null => Some(format!("{} IS NULL", identifier(column))),
            Value::Default => None,
            // Not every type can be compared, and texts can.
            Value::Text(text) => {
                let ty = &self.table.column(column)?.ty.name;
                Some(format!("{}::text = {}::{ty}::text", identifier(column), literal(text)))
            }
        };
        let conditions: Vec<_> = self.said().iter().filter_map(equal).collect();
        let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        format!("SELECT {} FROM {} WHERE {conditions} LIMIT 1", columns.join(", "), self.table.sql())
    }

    /// Inserts the row and returns it as stored in the table.
    pub fn insert(&self, sandbox: &mut Sandbox) -> Result<Row, RowError> {
        let names: Vec<_> = self.table.columns.iter().map(|column| column.name.clone()).collect();
        let texts: Vec<_> = names.iter().map(|name| format!("{}::text", identifier(name))).collect();
        let sql = format!("{} RETURNING {}", self.sql(), texts.join(", "));
        let stored = match sandbox.rows(&sql)?.into_iter().next() {
            Some(values) => Some(values),
            // A trigger may have stored it in a table that this one includes.
            None => sandbox.rows(&self.found_sql(&texts))?.into_iter().next(),
        };
        let values = stored.ok_or_else(|| RowError::NotStored {
            table: self.table.name.clone(),
            by: "a trigger or rule discards it".to_owned(),
        })?;
        Ok(Row { table: self.table.clone(), values: names.into_iter().zip(values).collect() })
    }
}

fn names(said: &[(&String, &Value)]) -> String {
    said.iter().map(|(column, _)| identifier(column)).collect::<Vec<_>>().join(", ")
}

/// A row of a table.
#[derive(Debug, Clone)]
pub struct Row {
    table: Relation,
    values: BTreeMap<String, Option<String>>,
}

impl Row {
    /// A row with these values.
    pub(super) fn of(table: &Relation, values: BTreeMap<String, Option<String>>) -> Row {
        Row { table: table.clone(), values }
    }

    /// Deletes it. Columns are compared as texts, because not every type can be compared.
    pub(super) fn delete(&self, sandbox: &mut Sandbox) -> Result<(), DatabaseError> {
        let equal = |(column, value): (&String, &Option<String>)| match value {
            Some(text) => format!("{}::text = {}", identifier(column), literal(text)),
            None => format!("{} IS NULL", identifier(column)),
        };
        let conditions: Vec<_> = self.values.iter().map(equal).collect();
        sandbox.run(&format!("DELETE FROM {} WHERE {}", self.table.sql(), conditions.join(" AND ")))
    }

    /// The text form of a column's value; `None` if it is NULL.
    pub fn value(&self, column: &str) -> Option<&str> {
        self.values.get(column).and_then(Option::as_deref)
    }

    /// The condition that matches rows with the same values in these columns.
    pub fn condition(&self, columns: &[String]) -> String {
        let equal = |column: &String| match self.value(column) {
            Some(text) => format!("{} = {}", identifier(column), literal(text)),
            None => format!("{} IS NULL", identifier(column)),
        };
        columns.iter().map(equal).collect::<Vec<_>>().join(" AND ")
    }

    /// The table's name as SQL.
    pub fn table(&self) -> String {
        self.table.sql()
    }
}
