//! An index and its partitions.

use std::collections::HashSet;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::quote::literal;

use crate::{Catalog, qualified};

/// The names of an index and, if it is partitioned, of its partitions.
pub fn family(sandbox: &mut Sandbox, catalog: &Catalog, index: &str) -> Result<HashSet<String>, DatabaseError> {
    let mut family = HashSet::from([index.rsplit('.').next().unwrap_or(index).to_owned()]);
    if let Some(index) = catalog.index(index) {
        let tree = format!(
            "SELECT c.relname FROM pg_partition_tree({}) t JOIN pg_class c ON c.oid = t.relid",
            literal(&qualified(&index.schema, &index.name))
        );
        family.extend(sandbox.session().column(&tree)?);
    }
    Ok(family)
}
