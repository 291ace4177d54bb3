//! What tenant isolation reads of `pgproof.toml`. Whether the tables exist, `ownership` looks up.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pgproof_runner::config::{Part, Subsystem};
use serde::Deserialize;

use super::attack::Attack;

/// Table `[schemas.NAME.tenancy]`: the tenants, and how a session identifies its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenancy {
    /// The role that acts for one tenant at a time.
    pub role: String,
    /// A file that creates the role and grants it the privileges that the application needs.
    pub setup: Option<PathBuf>,
    /// The setting that names the tenant, as in `app.current_tenant_id`.
    pub setting: String,
    /// The column that names a row's tenant.
    pub column: String,
    /// For tables without that column: the column that references the row whose tenant owns theirs, if there are
    /// several candidates.
    #[serde(default)]
    pub through: BTreeMap<String, String>,
    /// Shared tables, which contain no data of a tenant, each with the reason.
    #[serde(default)]
    pub shared: BTreeMap<String, String>,
    /// Operator-only tables, which no tenant may read or write, each with the reason.
    #[serde(default)]
    pub operator_only: BTreeMap<String, String>,
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
    /// The tables, or `*` for all.
    pub tables: Vec<String>,
    /// The keys, sequences or functions that it uses; empty for any. `*` stands for any text.
    #[serde(default)]
    pub by: Vec<String>,
    /// Why it is accepted.
    pub reason: String,
}
