//! The kinds of differences between two catalogs.

use std::str::FromStr;

/// The kinds of differences, by their names in `pgproof.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// An object was added.
    Added,
    /// An object was removed.
    Removed,
    /// A property has a different value.
    Altered,
    /// Columns are in a different order.
    Reordered,
}

impl Change {
    /// All of them.
    pub const ALL: [Change; 4] = [Change::Added, Change::Removed, Change::Altered, Change::Reordered];

    /// Its name.
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
