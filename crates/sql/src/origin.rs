//! A location in a file: every error and every failed assertion points at one.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A location in a source file. Line and column count from 1; the column counts characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The file as a user would type it: relative to the directory of `pgproof.toml` if it is below that directory.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Origin {
    /// The location of byte `offset` in `text`, the content of `file`.
    pub fn at(file: &Path, text: &str, offset: usize) -> Origin {
        let before = &text[..offset.min(text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Origin {
            file: file.to_path_buf(),
            line: count(before.matches('\n').count()),
            column: count(before[line_start..].chars().count()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Converts a zero-based count to a one-based number.
fn count(before: usize) -> u32 {
    u32::try_from(before).map_or(u32::MAX, |n| n.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters_from_one() {
        let text = "a\näb c";
        let at = Origin::at(Path::new("x.sql"), text, text.find('c').expect("c is there"));
        assert_eq!(at.to_string(), "x.sql:2:4");
    }
}
