//! What running migrations again reads of `pgproof.toml`: what it may change.

use std::collections::BTreeMap;

use pgproof_catalog::{Catalog, Relation};
use pgproof_runner::config::{Part, Subsystem};
use pgproof_sql::{QualifiedName, keyed_by_name};
use serde::Deserialize;

use super::AcceptedDifference;

/// Table `[schemas.NAME.rerun]`: what running the migrations again may change.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// What happens to rows that migrations inserted and a user edited, by table; kept by default.
    #[serde(default, deserialize_with = "keyed_by_name")]
    pub edited_rows: BTreeMap<QualifiedName, EditedRows>,
    /// Accepted differences, as reported: `table a: comment`. `*` stands for any text.
    #[serde(default)]
    pub accepted: Vec<AcceptedDifference>,
}

impl Part for Rerun {
    const OF: Subsystem = Subsystem::Rerun;
}

impl Rerun {
    /// What is declared to become of the edited rows of a table.
    pub(super) fn declared(&self, catalog: &Catalog, table: &Relation) -> EditedRows {
        let named = self.edited_rows.iter().find(|(name, _)| catalog.table(name) == Some(table));
        named.map_or(EditedRows::Kept, |(_, declared)| *declared)
    }
}

/// What happens to edited rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EditedRows {
    /// They keep the user's edits.
    Kept,
    /// They are reset to the values in the migrations.
    Reset,
}
