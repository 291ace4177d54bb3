//! How statements are grouped into transactions when migrations are applied.

use serde::Deserialize;

/// How statements are grouped into transactions when migrations are applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transaction {
    /// One transaction per statement, as with `psql -f`.
    #[default]
    Statement,
    /// One transaction per file, as with `psql -1 -f`, unless the file has a statement that cannot run in a transaction
    /// block.
    File,
}
