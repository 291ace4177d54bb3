//! Which tenant owns the rows of each table: the one named in a column, the one that owns the referenced row, or none,
//! which must be declared explicitly.

use std::collections::{BTreeMap, BTreeSet};

use pgproof_sql::{QualifiedName, nearest};
use pgproof_sql::{quote::identifier, quote::literal};

use super::TenancyError;
use super::config::Tenancy;
use pgproof_catalog::{Catalog, Constraint, ConstraintKind, References, Relation, RelationKind};

/// Which tenant owns the rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// The tenant named in this column.
    Column(String),
    /// The tenant of the row that this foreign key references.
    Through { key: Box<Constraint>, parent: QualifiedName },
    /// They are shared.
    Shared(String),
    /// They are operator-only.
    OperatorOnly(String),
    /// Not declared.
    Undecided,
}

/// A table, its ownership, and its descendants.
#[derive(Debug, Clone)]
pub(super) struct TenantTable {
    pub(super) relation: Relation,
    /// Its name in sentences.
    pub(super) name: String,
    pub(super) owner: Owner,
    /// Its partitions and inheriting tables, and their descendants.
    pub(super) children: Vec<Relation>,
}

impl TenantTable {
    /// Whether each of its rows belongs to a tenant.
    pub(super) fn is_tenants(&self) -> bool {
        matches!(self.owner, Owner::Column(_) | Owner::Through { .. })
    }

    /// Whether the table is operator-only.
    pub(super) fn is_operator_only(&self) -> bool {
        matches!(self.owner, Owner::OperatorOnly(_))
    }

    /// Whether its rows are on another server.
    pub(super) fn is_foreign(&self) -> bool {
        self.relation.kind == RelationKind::ForeignTable
    }

    /// Whether access to its local rows is restricted: they belong to tenants, or are operator-only.
    pub(super) fn is_attacked(&self) -> bool {
        (self.is_tenants() || self.is_operator_only()) && !self.is_foreign()
    }

    /// Whether this column names the tenant.
    pub(super) fn names_tenant(&self, column: &str) -> bool {
        matches!(&self.owner, Owner::Column(tenant) if tenant == column)
    }

    /// The column that names the tenant, if it is nullable.
    pub(super) fn nullable_tenant(&self) -> Option<&str> {
        match &self.owner {
            Owner::Column(column) => {
                self.relation.column(column).filter(|column| !column.not_null).map(|column| column.name.as_str())
            }
            _ => None,
        }
    }
}

/// The tables of a schema and their ownership; referenced tables before those that reference them.
#[derive(Debug, Clone)]
pub(super) struct Ownership {
    pub(super) tables: Vec<TenantTable>,
    /// The table of the tenants themselves, and its key.
    pub(super) root: Option<(QualifiedName, String)>,
}

impl Ownership {
    /// Determines ownership, and requires that everything the configuration names exists.
    pub(super) fn of(catalog: &Catalog, tenancy: &Tenancy) -> Result<Ownership, TenancyError> {
        tenancy.demand_known(catalog).map_err(|name| TenancyError::Misnamed { misnamed: Box::new(name) })?;
        let root = catalog.constraints.iter().find_map(|key| {
            let references = key
                .references
                .as_ref()
                .filter(|_| matches!(key.columns.as_slice(), [column] if tenancy.column == *column))?;
            let [column] = references.columns.as_slice() else { return None };
            Some((references.qualified_name(), column.clone()))
        });
        let mut ownership = Ownership { tables: Vec::new(), root };
        for relation in ordered(catalog) {
            let name = catalog.shown(&relation.qualified_name()).to_string();
            let children = descendants(catalog, relation);
            let owner = Owner::Undecided;
            ownership.tables.push(TenantTable { relation: relation.clone(), name, owner, children });
        }
        // A table may depend on another whose ownership is determined only in the next round.
        let mut settled = false;
        while !settled {
            settled = true;
            for at in 0..ownership.tables.len() {
                let table = &ownership.tables[at];
                let found = ownership.owner(catalog, tenancy, &table.relation, &table.name).unwrap_or(Owner::Undecided);
                if table.owner == Owner::Undecided && found != Owner::Undecided {
                    ownership.tables[at].owner = found;
                    settled = false;
                }
            }
        }
        for table in ownership.tables.iter().filter(|table| table.owner == Owner::Undecided) {
            ownership.owner(catalog, tenancy, &table.relation, &table.name)?;
        }
        if !ownership.tables.iter().any(TenantTable::is_tenants) {
            let columns = ownership.tables.iter().flat_map(|table| &table.relation.columns);
            let names = columns.map(|column| column.name.as_str());
            let nearest = nearest(tenancy.column.as_str(), names).map(str::to_owned);
            return Err(TenancyError::NoTenantTable { column: tenancy.column.clone(), nearest });
        }
        Ok(ownership)
    }

    fn owner(
        &self,
        catalog: &Catalog,
        tenancy: &Tenancy,
        relation: &Relation,
        name: &str,
    ) -> Result<Owner, TenancyError> {
        if let Some(reason) = said(catalog, relation, &tenancy.shared) {
            return Ok(Owner::Shared(reason));
        }
        if let Some(reason) = said(catalog, relation, &tenancy.operator_only) {
            return Ok(Owner::OperatorOnly(reason));
        }
        if let Some((_, column)) = self.root.as_ref().filter(|(root, _)| *root == relation.qualified_name()) {
            return Ok(Owner::Column(column.clone()));
        }
        // A foreign table cannot have policies: its ownership must be declared.
        if relation.kind == RelationKind::ForeignTable {
            return Ok(Owner::Undecided);
        }
        if let Some(column) = relation.column(tenancy.column.as_str()) {
            return Ok(Owner::Column(column.name.clone()));
        }
        let leads = |key: &&Constraint| {
            let references = key.references.as_ref();
            references.is_some_and(|r| self.table(&r.qualified_name()).is_some_and(TenantTable::is_tenants))
        };
        let foreign = catalog.constraints_of(relation).filter(|key| key.kind == ConstraintKind::ForeignKey);
        let keys: Vec<&Constraint> = foreign.filter(leads).collect();
        let sure = |key: &&&Constraint| key.columns.iter().all(|c| relation.column(c).is_some_and(|c| c.not_null));
        let chosen = match said(catalog, relation, &tenancy.through) {
            Some(column) => match keys.iter().find(|key| key.columns.iter().any(|own| column == *own)) {
                Some(key) => vec![*key],
                None => return Err(TenancyError::NoKey { table: name.to_owned(), column }),
            },
            None => keys.iter().filter(sure).copied().collect(),
        };
        match chosen.as_slice() {
            [] => Ok(Owner::Undecided),
            [key] => {
                let Some(parent) = key.references.as_ref().map(References::qualified_name) else {
                    return Ok(Owner::Undecided);
                };
                Ok(Owner::Through { key: Box::new((*key).clone()), parent })
            }
            several => Err(TenancyError::SeveralKeys {
                table: name.to_owned(),
                columns: several.iter().map(|key| key.columns.join(", ")).collect(),
            }),
        }
    }

    /// The table of the tenants themselves, or the first one with rows of tenants.
    pub(super) fn tenants(&self) -> Option<&TenantTable> {
        let root = self.root.as_ref().and_then(|(root, _)| self.table(root)).filter(|table| table.is_tenants());
        root.or_else(|| self.tables.iter().find(|table| table.is_tenants()))
    }

    /// The table with this name.
    pub(super) fn table(&self, name: &QualifiedName) -> Option<&TenantTable> {
        self.tables.iter().find(|table| table.relation.qualified_name() == *name)
    }

    /// Whether a table with this name exists and access to its rows is restricted.
    pub(super) fn is_attacked(&self, name: &QualifiedName) -> bool {
        self.table(name).is_some_and(TenantTable::is_attacked)
    }

    /// The condition that a row of `table`, which the query refers to by its own name, belongs to this tenant.
    pub(super) fn belongs(&self, table: &TenantTable, tenant: &str) -> String {
        match &table.owner {
            Owner::Column(column) => format!("{} = {}", identifier(column), literal(tenant)),
            Owner::Through { key, parent } => {
                let referenced = key.references.as_ref().map(|r| r.columns.as_slice()).unwrap_or_default();
                let list = |columns: &[String]| columns.iter().map(|c| identifier(c)).collect::<Vec<_>>().join(", ");
                let Some(parent) = self.table(parent) else { return "false".to_owned() };
                let theirs = self.belongs(parent, tenant);
                let from = parent.relation.sql();
                format!("({}) IN (SELECT {} FROM {from} WHERE {theirs})", list(&key.columns), list(referenced))
            }
            _ => "false".to_owned(),
        }
    }
}

/// What the configuration says of a table.
fn said<T: Clone>(catalog: &Catalog, relation: &Relation, map: &BTreeMap<QualifiedName, T>) -> Option<T> {
    map.iter().find(|(table, _)| catalog.relation(table) == Some(relation)).map(|(_, said)| said.clone())
}

/// The tables without a parent, referenced ones first; circular references are ordered by name.
fn ordered(catalog: &Catalog) -> Vec<&Relation> {
    let rows = |relation: &&Relation| relation.kind.is_table() || relation.kind == RelationKind::ForeignTable;
    let all = catalog.relations.iter().filter(rows);
    let mut left: Vec<&Relation> = all.filter(|table| table.inherits.is_empty()).collect();
    let mut placed: BTreeSet<QualifiedName> = BTreeSet::new();
    let mut order = Vec::new();
    while !left.is_empty() {
        let ready = |table: &&Relation| {
            catalog.constraints_of(table).filter_map(|key| key.references.as_ref()).all(|r| {
                let name = r.qualified_name();
                placed.contains(&name) || name == table.qualified_name()
            })
        };
        let at = left.iter().position(ready).unwrap_or(0);
        let table = left.remove(at);
        placed.insert(table.qualified_name());
        order.push(table);
    }
    order
}

/// The partitions and inheriting tables of a table, at any depth.
fn descendants(catalog: &Catalog, relation: &Relation) -> Vec<Relation> {
    let direct = catalog.tables().filter(|table| table.inherits.contains(&relation.qualified_name()));
    direct.flat_map(|child| std::iter::once(child.clone()).chain(descendants(catalog, child))).collect()
}
