//! Values that `pgproof.toml` gives for columns: `[schemas.NAME.rows.TABLE]`, SQL expressions over `n`, the number of
//! the row.

use std::sync::Arc;

use pgproof_runner::Sandbox;
use pgproof_runner::config::ConfigError;
use pgproof_runner::isolation::SchemaContext;
use pgproof_server::DatabaseError;

use super::trial::{one, undone_rows};
use super::{RowError, Rows, Value};
use crate::{Catalog, Relation};

/// The values for a schema.
#[derive(Debug, Clone)]
pub(super) struct Configured {
    /// Its name in `pgproof.toml`; a placeholder for a database without configuration.
    schema: String,
    rows: Arc<Rows>,
    /// Whether its names were looked up.
    is_known: bool,
}

impl Configured {
    pub(super) fn of(context: &SchemaContext) -> Result<Configured, ConfigError> {
        let rows = context.part::<Rows>()?.unwrap_or_default();
        let schema = context.configured().map_or("NAME", |(_, schema)| &schema.name).to_owned();
        Ok(Configured { schema, is_known: false, rows })
    }

    /// The name of the schema in `pgproof.toml`, which advice needs.
    pub(super) fn schema(&self) -> String {
        self.schema.clone()
    }

    /// Whether every table and column exists.
    pub(super) fn demand_known(&mut self, catalog: &Catalog) -> Result<(), RowError> {
        if !self.is_known {
            self.rows.demand_known(catalog).map_err(|name| RowError::misnamed(&self.schema, name))?;
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
        let mut found = Vec::new();
        for (column, expression) in self.rows.columns(catalog, table) {
            let ty = table.column(column.as_str()).map(|column| column.ty.name.clone()).unwrap_or_default();
            let sql = format!("SELECT (({expression})::{ty})::text FROM (SELECT {n}::bigint AS n) AS pgproof_row");
            let value = undone_rows(sandbox.session(), &sql)?.map_err(|refusal| RowError::Expression {
                schema: self.schema.clone(),
                table: table.name.clone(),
                column: column.to_string(),
                ty,
                source: Box::new(DatabaseError::Reported(refusal)),
            })?;
            found.push((column.as_str().to_owned(), one(value).into()));
        }
        Ok(found)
    }
}
