//! How a schema keeps its tenants apart, as configured. Proving it is the assertions' business.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// Table `[schemas.NAME.tenancy]`: who the tenants are, and how the database learns for whom a session works.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenancy {
    /// The role that works for one tenant at a time.
    pub role: String,
    /// A file that makes the role and grants it what the application needs.
    pub setup: Option<PathBuf>,
    /// The setting that names the tenant, as in `app.current_tenant_id`.
    pub setting: String,
    /// The column that names a row's tenant.
    pub column: String,
    /// Of tables without that column: the one that references the row whose tenant theirs is, where it is not the only
    /// one that could.
    #[serde(default)]
    pub through: BTreeMap<String, String>,
    /// Tables that hold nothing of a tenant's, each with the reason.
    #[serde(default)]
    pub shared: BTreeMap<String, String>,
    /// Tables that no tenant may read or write, each with the reason.
    #[serde(default)]
    pub closed: BTreeMap<String, String>,
    /// What is known to be possible, and why it may be.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
}

/// Something that a tenant can do to another and that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The attack, by its name in the matrix.
    pub attack: String,
    /// The tables, or `*` for all.
    pub tables: Vec<String>,
    /// The keys, sequences or functions by which it is done; any if there are none. `*` stands for any text.
    #[serde(default)]
    pub by: Vec<String>,
    /// Why it may be.
    pub reason: String,
}
