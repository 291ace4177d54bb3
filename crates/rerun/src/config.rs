//! What running migrations again reads of `pgproof.toml`: what it may change.

use std::collections::BTreeMap;

use pgproof_runner::config::{Part, Subsystem};
use serde::Deserialize;

use super::AcceptedDifference;

/// Table `[schemas.NAME.rerun]`: what running the migrations again may change.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// What happens to rows that migrations inserted and a user edited, by table; kept by default.
    #[serde(default)]
    pub edited_rows: BTreeMap<String, EditedRows>,
    /// Accepted differences, as reported: `table a: comment`. `*` stands for any text.
    #[serde(default)]
    pub accepted: Vec<AcceptedDifference>,
}

impl Part for Rerun {
    const OF: Subsystem = Subsystem::Rerun;
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
