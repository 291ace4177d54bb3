//! The partitions of a table, and where its rows are stored.

use pgproof_catalog::{Catalog, Relation, RelationKind};

/// Where the rows of a table are stored: in its partitions, if it has some.
pub(super) fn plots<'a>(catalog: &'a Catalog, table: &'a Relation) -> Vec<&'a Relation> {
    let is_leaf = |partition: &&Relation| partition.kind == RelationKind::Table;
    let leaves: Vec<_> = of(catalog, table).into_iter().filter(is_leaf).collect();
    if leaves.is_empty() { vec![table] } else { leaves }
}

/// The partitions of a table, at all depths, by name.
pub(super) fn of<'a>(catalog: &'a Catalog, table: &Relation) -> Vec<&'a Relation> {
    let mut found: Vec<&Relation> = Vec::new();
    let mut names = vec![table.qualified_name()];
    while let Some(name) = names.pop() {
        for child in catalog.tables().filter(|child| child.is_partition && child.inherits.contains(&name)) {
            names.push(child.qualified_name());
            found.push(child);
        }
    }
    found.sort_by_key(|partition| partition.sql());
    found
}
