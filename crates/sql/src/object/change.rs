//! The kinds of differences between two catalogs.

use std::str::FromStr;

/// The kinds of differences, as `pgproof.toml` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// An object that was not there.
    Added,
    /// An object that is gone.
    Removed,
    /// A property with another value.
    Altered,
    /// Columns in another order.
    Reordered,
}

impl Change {
    /// All of them.
    pub const ALL: [Change; 4] = [Change::Added, Change::Removed, Change::Altered, Change::Reordered];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Altered => "altered",
            Change::Reordered => "reordered",
        }
    }
}

impl FromStr for Change {
    type Err = ();

    fn from_str(text: &str) -> Result<Change, ()> {
        Change::ALL.into_iter().find(|change| change.name() == text).ok_or(())
    }
}
