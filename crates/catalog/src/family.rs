//! An index and its partitions.

use std::collections::HashSet;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::QualifiedName;
use pgproof_sql::quote::literal;

use crate::Catalog;

/// The names of an index and, if it is partitioned, of its partitions.
pub fn family(
    sandbox: &mut Sandbox,
    catalog: &Catalog,
    index: &QualifiedName,
) -> Result<HashSet<String>, DatabaseError> {
    let mut family = HashSet::from([index.name().as_str().to_owned()]);
    if let Some(index) = catalog.index(index) {
        let tree = format!(
            "SELECT c.relname FROM pg_partition_tree({}) t JOIN pg_class c ON c.oid = t.relid",
            literal(&index.qualified_name().sql())
        );
        family.extend(sandbox.session().column(&tree)?);
    }
    Ok(family)
}
