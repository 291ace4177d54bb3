//! A schema under proof, as configured: where its files stand, and which suite proves it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pgproof_sql::Transaction;
use serde::Deserialize;

use super::{Plans, Tenancy};

/// Table `[schemas.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The key of the table.
    #[serde(skip)]
    pub name: String,
    /// The directory of the numbered migrations.
    pub migrations: PathBuf,
    /// The directory of migrations that are applied only where somebody asks for one by its name.
    pub optional: Option<PathBuf>,
    /// Files that a migration has taken over.
    pub superseded: Option<Superseded>,
    /// The directory of the files that take migrations back.
    pub rollback: Option<PathBuf>,
    /// The directory of the expected rows.
    pub fixtures: Option<PathBuf>,
    /// What one transaction holds when migrations are applied.
    #[serde(default)]
    pub transaction: Transaction,
    /// The test binary that proves the schema.
    pub suite: Suite,
    /// The parts of the report, in order.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// The queries whose plans are reviewed.
    pub plans: Option<Plans>,
    /// What running the migrations again may do.
    #[serde(default)]
    pub rerun: Rerun,
    /// How tenants are kept apart.
    pub tenancy: Option<Tenancy>,
    /// The environment variables that the schema's application needs.
    #[serde(default)]
    pub environment: BTreeMap<String, Variable>,
}

/// Table `[schemas.NAME.rerun]`: what running the migrations again may do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// What becomes of rows that migrations made and somebody edited, by table; kept unless said otherwise.
    #[serde(default)]
    pub edited_rows: BTreeMap<String, EditedRows>,
    /// Differences that may be, as they are told: `table a: comment`. `*` stands for any text.
    #[serde(default)]
    pub accepted: Vec<String>,
}

/// What becomes of edited rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EditedRows {
    /// They stay as they were edited.
    Kept,
    /// They are as the migrations make them.
    Reset,
}

/// Files that a migration has taken over: beside it they would do their work a second time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Superseded {
    /// The migration that does it now.
    pub by: String,
    /// Their names; a number before one makes no difference.
    pub files: Vec<String>,
}

/// What an environment variable has to be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The fewest characters.
    pub at_least: Option<usize>,
    /// The only numbers of characters.
    pub lengths: Option<Vec<usize>>,
    /// Whether it has only hexadecimal digits.
    #[serde(default)]
    pub hex: bool,
    /// Whether it is the number of a port.
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

/// A part of the report: the tests of one module of the suite.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The module of the suite.
    pub module: String,
    /// What the report calls it.
    pub title: String,
    /// How many tests the runbook promises; fewer refute the section.
    #[serde(default)]
    pub tests: usize,
}
