//! Names that `pgproof.toml` gives: the table or column of a name, or what is wrong with it, with the closest name there
//! is.

use pgproof_sql::{Identifier, QualifiedName, nearest};

use crate::{Catalog, Column, Relation, RelationKind};

/// What is wrong with a name; a sentence ends with it: "`pgproof.toml` names …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misnamed {
    /// There is no such table.
    #[error("table {table}, which does not exist{}", meant(.nearest.as_ref()))]
    Table {
        /// The name.
        table: QualifiedName,
        /// The closest name, if one is close.
        nearest: Option<String>,
    },
    /// It is another kind of relation.
    #[error("{relation}, which is {}, not a table", a(*.kind))]
    NotATable {
        /// The name.
        relation: QualifiedName,
        /// What it is.
        kind: RelationKind,
    },
    /// The table has no such column.
    #[error("column {table}.{column}, which does not exist{}", meant(.nearest.as_ref()))]
    Column {
        /// The table.
        table: QualifiedName,
        /// The name.
        column: Identifier,
        /// The closest name, if one is close.
        nearest: Option<String>,
    },
}

impl Catalog {
    /// The table of this name, which accepts rows.
    pub fn table_named(&self, name: &QualifiedName) -> Result<&Relation, Misnamed> {
        self.named(name, RelationKind::is_table)
    }

    /// The table or foreign table of this name.
    pub fn any_table_named(&self, name: &QualifiedName) -> Result<&Relation, Misnamed> {
        self.named(name, |kind| kind.is_table() || kind == RelationKind::ForeignTable)
    }

    /// The column of this name in the table of that name.
    pub fn column_named(&self, table: &QualifiedName, column: &Identifier) -> Result<&Column, Misnamed> {
        let relation = self.any_table_named(table)?;
        relation.column(column.as_str()).ok_or_else(|| {
            let names = relation.columns.iter().map(|column| column.name.as_str());
            let nearest = nearest(column.as_str(), names).map(str::to_owned);
            Misnamed::Column { table: table.clone(), column: column.clone(), nearest }
        })
    }

    fn named(&self, name: &QualifiedName, counts: fn(RelationKind) -> bool) -> Result<&Relation, Misnamed> {
        match self.relation(name) {
            Some(relation) if counts(relation.kind) => Ok(relation),
            Some(other) => Err(Misnamed::NotATable { relation: name.clone(), kind: other.kind }),
            None => Err(Misnamed::Table { table: name.clone(), nearest: self.nearest(name, counts) }),
        }
    }

    /// The name most likely meant: the same in another schema, or else the closest.
    fn nearest(&self, name: &QualifiedName, counts: fn(RelationKind) -> bool) -> Option<String> {
        let tables = || self.relations.iter().filter(|relation| counts(relation.kind)).map(Relation::qualified_name);
        if let Some(elsewhere) = tables().find(|table| table.name() == name.name()) {
            return Some(self.shown(&elsewhere).to_string());
        }
        let written = |table: QualifiedName| if name.schema().is_some() { table } else { self.shown(&table) };
        let names: Vec<String> = tables().map(|table| written(table).to_string()).collect();
        nearest(&name.to_string(), names.iter().map(String::as_str)).map(str::to_owned)
    }
}

fn meant(nearest: Option<&String>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

fn a(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table => "a table",
        RelationKind::PartitionedTable => "a partitioned table",
        RelationKind::View => "a view",
        RelationKind::MaterializedView => "a materialized view",
        RelationKind::Sequence => "a sequence",
        RelationKind::ForeignTable => "a foreign table",
    }
}
