//! What tenant isolation reads of `pgproof.toml`. Whether the tables exist, `ownership` looks up.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use pgproof_catalog::{Catalog, Misnamed};
use pgproof_runner::config::{Part, Subsystem};
use pgproof_sql::{Identifier, QualifiedName, keyed_by_name};
use serde::{Deserialize, Deserializer};

use super::attack::Attack;

/// Table `[schemas.NAME.tenancy]`: the tenants, and how a session identifies its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenancy {
    /// The role that acts for one tenant at a time.
    pub role: Identifier,
    /// A file that creates the role and grants it the privileges that the application needs.
    pub setup: Option<PathBuf>,
    /// The setting that names the tenant, as in `app.current_tenant_id`.
    pub setting: String,
    /// The column that names a row's tenant.
    pub column: Identifier,
    /// For tables without that column: the column that references the row whose tenant owns theirs, if there are
    /// several candidates.
    #[serde(default, deserialize_with = "keyed_by_name")]
    pub through: BTreeMap<QualifiedName, Identifier>,
    /// Shared tables, which contain no data of a tenant, each with the reason.
    #[serde(default, deserialize_with = "keyed_by_name")]
    pub shared: BTreeMap<QualifiedName, String>,
    /// Operator-only tables, which no tenant may read or write, each with the reason.
    #[serde(default, deserialize_with = "keyed_by_name")]
    pub operator_only: BTreeMap<QualifiedName, String>,
    /// Known attacks that are accepted, with the reason.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
}

impl Part for Tenancy {
    const OF: Subsystem = Subsystem::Tenancy;
}

/// An accepted attack of one tenant on another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The name of the attack in the matrix.
    pub attack: Attack,
    /// The tables.
    pub tables: Vec<AcceptedTable>,
    /// The keys, sequences or functions that it uses; empty for any. `*` stands for any text.
    #[serde(default)]
    pub by: Vec<String>,
    /// Why it is accepted.
    pub reason: String,
}

/// A table on which an attack is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptedTable {
    /// `*`: any.
    Any,
    /// The table of this name.
    Named(QualifiedName),
}

impl Tenancy {
    /// The first name of a table that is none, or of a column that it lacks.
    pub(super) fn demand_known(&self, catalog: &Catalog) -> Result<(), Misnamed> {
        self.through.iter().try_for_each(|(table, column)| catalog.column_named(table, column).map(drop))?;
        let accepted = self.accepted.iter().flat_map(|accepted| &accepted.tables).filter_map(|table| match table {
            AcceptedTable::Any => None,
            AcceptedTable::Named(name) => Some(name),
        });
        let mut named = self.shared.keys().chain(self.operator_only.keys()).chain(accepted);
        named.try_for_each(|name| catalog.any_table_named(name).map(drop))
    }
}

impl Accepted {
    /// Whether it is accepted on this table, as it is named in sentences.
    pub(super) fn is_on(&self, catalog: &Catalog, table: &str) -> bool {
        self.tables.iter().any(|accepted| match accepted {
            AcceptedTable::Any => true,
            AcceptedTable::Named(name) => catalog
                .relation(name)
                .is_some_and(|relation| catalog.shown(&relation.qualified_name()).to_string() == table),
        })
    }
}

impl fmt::Display for AcceptedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcceptedTable::Any => f.write_str("*"),
            AcceptedTable::Named(name) => write!(f, "{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for AcceptedTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AcceptedTable, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "*" {
            return Ok(AcceptedTable::Any);
        }
        text.parse().map(AcceptedTable::Named).map_err(serde::de::Error::custom)
    }
}
