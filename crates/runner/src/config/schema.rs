//! The configuration of a schema under test: the location of its files, and the suite that proves it. The tables of
//! subsystems are read elsewhere (`part`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use pgproof_sql::Transaction;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::part::Parts;

/// Table `[schemas.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The key of the table.
    #[serde(skip)]
    pub name: String,
    /// The directory of the numbered migrations.
    pub migrations: PathBuf,
    /// The schemas in which unqualified names are looked up; PostgreSQL's default if empty.
    #[serde(default)]
    pub search_path: Vec<String>,
    /// The role that owns the database and runs the migrations. It is created for the run, without any privilege on the
    /// server; by default the server's user runs them, usually a superuser.
    pub owner: Option<String>,
    /// The extensions that a superuser creates beforehand if there is an `owner`.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// The oldest major of a server that has the schema; the oldest that pgproof supports if there is none.
    pub minimum_major: Option<u16>,
    /// The directory of optional migrations, which are applied only if requested by name.
    pub optional: Option<PathBuf>,
    /// Files that a migration has replaced.
    pub superseded: Option<Superseded>,
    /// The directory of the down migrations.
    pub rollback: Option<PathBuf>,
    /// The directory of scripts for databases in use (`pgproof run`).
    pub scripts: Option<PathBuf>,
    /// The directory of the expected rows.
    pub fixtures: Option<PathBuf>,
    /// The schema snapshot: every object and property, as accepted.
    pub snapshot: Option<PathBuf>,
    /// What one transaction covers when migrations are applied.
    #[serde(default)]
    pub transaction: Transaction,
    /// The test binary that proves the schema.
    pub suite: Suite,
    /// The sections of the report, in order.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// What is checked after the migrations of a database in use (`pgproof checklist`), in order.
    #[serde(default)]
    pub checklist: Vec<ChecklistItem>,
    /// The environment variables that the schema's application needs.
    #[serde(default)]
    pub environment: BTreeMap<String, Variable>,
    // The tables of subsystems, which read them with `part`.
    pub(super) rows: Option<IgnoredAny>,
    pub(super) plans: Option<IgnoredAny>,
    pub(super) rerun: Option<IgnoredAny>,
    pub(super) tenancy: Option<IgnoredAny>,
    #[serde(skip)]
    pub(super) parts: Parts,
}

/// Files that a migration has replaced: run as well, they would do the same work again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Superseded {
    /// The migration that replaces them.
    pub by: String,
    /// Their names; a leading number is ignored.
    pub files: Vec<String>,
}

/// The requirements on an environment variable.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The minimum number of characters.
    pub at_least: Option<usize>,
    /// The allowed numbers of characters.
    pub lengths: Option<Vec<usize>>,
    /// Whether it must consist of hexadecimal digits.
    #[serde(default)]
    pub hex: bool,
    /// Whether it must be a port number.
    #[serde(default)]
    pub port: bool,
    /// What it is for.
    pub purpose: Option<String>,
}

/// The cargo test target that proves a schema.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The package.
    pub package: String,
    /// Its integration test.
    pub test: String,
    /// The `Cargo.toml` of its workspace, if that is not the one at or above `pgproof.toml`.
    pub manifest: Option<PathBuf>,
}

/// A section of the report: the tests of one module of the suite.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The module of the suite.
    pub module: String,
    /// Its title in the report.
    pub title: String,
    /// How many tests the runbook specifies; fewer refute the section.
    #[serde(default)]
    pub tests: usize,
}

/// Table `[[schemas.NAME.checklist]]`: an item of the checklist after a migration. Without `sections` and `sql`, only a
/// person can tick it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItem {
    /// What is checked.
    pub item: String,
    /// The sections of the suite that prove it, by module. The suite proves it of the migrations; the database must not
    /// differ from them.
    #[serde(default)]
    pub sections: Vec<String>,
    /// A query of the database.
    pub sql: Option<String>,
    /// The single value that the query returns.
    pub expect: Option<String>,
}
