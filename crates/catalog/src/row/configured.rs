//! Values that `pgproof.toml` gives for columns: `[schemas.NAME.rows.TABLE]`, SQL expressions over `n`, the number of
//! the row.

use std::sync::Arc;

use pgproof_runner::Sandbox;
use pgproof_runner::config::ConfigError;
use pgproof_runner::isolation::SchemaContext;
use pgproof_server::DatabaseError;
use pgproof_sql::{QualifiedName, nearest};

use super::trial::{one, undone_rows};
use super::{RowError, Rows, Value};
use crate::{Catalog, Relation};

/// The values for a schema.
#[derive(Debug, Clone)]
pub(super) struct Configured {
    schema: String,
    rows: Arc<Rows>,
    /// Whether its names were looked up.
    is_known: bool,
}

impl Configured {
    pub(super) fn of(context: &SchemaContext) -> Result<Configured, ConfigError> {
        let rows = context.part::<Rows>()?.unwrap_or_default();
        Ok(Configured { schema: context.name().to_owned(), is_known: false, rows })
    }

    /// Whether every table and column exists.
    pub(super) fn demand_known(&mut self, catalog: &Catalog) -> Result<(), RowError> {
        if !self.is_known {
            unknown(&self.rows, catalog).map_or(Ok(()), |(object, nearest)| {
                Err(RowError::Configured { schema: self.schema.clone(), object, nearest })
            })?;
            self.is_known = true;
        }
        Ok(())
    }

    /// The values for the columns of a table in row `n`.
    pub(super) fn values(
        &self,
        sandbox: &mut Sandbox,
        catalog: &Catalog,
        table: &Relation,
        n: u64,
    ) -> Result<Vec<(String, Value)>, RowError> {
        let is_it = |name: &QualifiedName| catalog.table(name) == Some(table);
        let Some((_, columns)) = self.rows.0.iter().find(|(name, _)| is_it(name)) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (column, expression) in columns {
            let ty = table.column(column).map(|column| column.ty.name.clone()).unwrap_or_default();
            let sql = format!("SELECT (({expression})::{ty})::text FROM (SELECT {n}::bigint AS n) AS pgproof_row");
            let value = undone_rows(sandbox.session(), &sql)?.map_err(|refusal| RowError::Expression {
                schema: self.schema.clone(),
                table: table.name.clone(),
                column: column.clone(),
                ty,
                source: Box::new(DatabaseError::Reported(refusal)),
            })?;
            found.push((column.clone(), one(value).into()));
        }
        Ok(found)
    }
}

/// The first table or column that does not exist, and the closest name.
pub fn unknown(rows: &Rows, catalog: &Catalog) -> Option<(String, Option<String>)> {
    for (name, columns) in &rows.0 {
        let Some(table) = catalog.table(name) else {
            let names: Vec<String> = catalog.tables().map(|t| catalog.shown(&t.qualified_name()).to_string()).collect();
            let text = name.to_string();
            return Some((
                format!("table {text}"),
                nearest(&text, names.iter().map(String::as_str)).map(str::to_owned),
            ));
        };
        if let Some(column) = columns.keys().find(|column| table.column(column).is_none()) {
            let names = table.columns.iter().map(|column| column.name.as_str());
            return Some((format!("column {name}.{column}"), nearest(column, names).map(str::to_owned)));
        }
    }
    None
}
