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
        format!("INSERT INTO {} {}", self.table.sql(), self.values_sql())
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

    /// Inserts the row and returns it as stored in the table.
    pub fn insert(&self, sandbox: &mut Sandbox) -> Result<Row, RowError> {
        let names: Vec<_> = self.table.columns.iter().map(|column| column.name.clone()).collect();
        let texts: Vec<_> = names.iter().map(|name| format!("{}::text", identifier(name))).collect();
        let sql = format!("{} RETURNING {}", self.sql(), texts.join(", "));
        let answer = sandbox.rows(&sql)?.into_iter().next();
        let values = answer.ok_or_else(|| DatabaseError::Answer {
            query: sql,
            problem: "the insert returned no row: a trigger or rule took it".to_owned(),
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
