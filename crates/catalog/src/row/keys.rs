//! Keys of rows: the columns of an index, and whether a row with a key is there.

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::QualifiedName;

use super::Value;
use crate::{Catalog, Relation};

/// The columns of an index; of an expression, all its words: which of them are columns, the caller looks up.
pub fn columns_of_keys(index: &crate::Index) -> Vec<String> {
    let words = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect();
    index
        .keys
        .iter()
        .flat_map(|key| key.column.clone().map_or_else(|| words(&key.expression), |name| vec![name]))
        .collect()
}

/// Whether a table has a row with this key.
pub(super) fn exists(
    sandbox: &mut Sandbox,
    catalog: &Catalog,
    table: &QualifiedName,
    key: &[(&str, Value)],
) -> Result<bool, DatabaseError> {
    let Some(relation) = catalog.table(table) else { return Ok(false) };
    let equal =
        |(column, value): &(&str, Value)| format!("{} = {}", pgproof_sql::quote::identifier(column), value.sql());
    let condition = key.iter().map(equal).collect::<Vec<_>>().join(" AND ");
    let found = sandbox.value(&format!("SELECT EXISTS (SELECT FROM {} WHERE {condition})", relation.sql()))?;
    Ok(found.as_deref() == Some("t"))
}

/// How messages call a table.
pub(super) fn shown(catalog: &Catalog, table: &Relation) -> String {
    catalog.shown(&table.qualified_name()).to_string()
}
