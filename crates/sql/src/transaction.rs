//! What one transaction holds when migrations are applied.

use serde::Deserialize;

/// What one transaction holds when migrations are applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transaction {
    /// Each statement is its own, as with `psql -f`.
    #[default]
    Statement,
    /// Each file is one, as with `psql -1 -f`, unless it holds a statement that cannot run inside a transaction block.
    File,
}
