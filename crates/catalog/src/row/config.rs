//! What the row generator reads of `pgproof.toml`: values for the rows that it makes. `configured` evaluates them.

use std::collections::BTreeMap;

use pgproof_runner::config::{Part, Subsystem};
use pgproof_sql::{Identifier, QualifiedName, keyed_by_name};
use serde::Deserialize;

use crate::{Catalog, Misnamed, Relation};

/// Table `[schemas.NAME.rows]`: by table and column, an SQL expression over `n`, the number of the row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Rows(#[serde(deserialize_with = "keyed_by_name")] BTreeMap<QualifiedName, BTreeMap<Identifier, String>>);

impl Part for Rows {
    const OF: Subsystem = Subsystem::Rows;
}

impl Rows {
    /// The values of one table.
    pub fn of(table: QualifiedName, columns: BTreeMap<Identifier, String>) -> Rows {
        Rows([(table, columns)].into())
    }

    /// The first table or column that does not exist.
    pub fn demand_known(&self, catalog: &Catalog) -> Result<(), Misnamed> {
        for (name, columns) in &self.0 {
            catalog.table_named(name)?;
            columns.keys().try_for_each(|column| catalog.column_named(name, column).map(drop))?;
        }
        Ok(())
    }

    /// The expressions for the columns of a table.
    pub fn columns<'a>(
        &'a self,
        catalog: &Catalog,
        table: &Relation,
    ) -> impl Iterator<Item = (&'a Identifier, &'a String)> {
        self.0.iter().find(|(name, _)| catalog.table(name) == Some(table)).into_iter().flat_map(|(_, columns)| columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgproof_runner::{Config, ConfigError};
    use std::sync::Arc;

    fn read(rows: &str) -> Result<Option<Arc<Rows>>, ConfigError> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("pgproof.toml");
        let schema = "[schemas.shop]\nmigrations = \"sql\"\nsuite = { package = \"p\", test = \"t\" }\n";
        std::fs::write(&file, [schema, rows].concat()).expect("a file");
        Config::read(&file)?.schema("shop")?.part()
    }

    #[test]
    fn tables_may_have_a_schema() {
        let read = read("rows.orders.number = \"'A-' || n\"\nrows.\"audit.log\".level = \"3\"\n");
        let Rows(rows) = &*read.expect("good rows").expect("rows");
        assert_eq!(rows[&QualifiedName::unqualified("orders")]["number"], "'A-' || n");
        assert_eq!(rows[&QualifiedName::in_schema("audit", "log")]["level"], "3");
    }

    #[test]
    fn what_is_no_name_is_an_error_with_its_line() {
        let error = read("[schemas.shop.rows]\n\n\"a.b.c\".x = \"1\"\n").expect_err("no name").to_string();
        assert!(error.contains("line 6") && error.contains("has 3 parts"), "{error}");
    }
}
