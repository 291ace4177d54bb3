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

/// Finds the locations of many offsets in one text, each from the one before it: a file of a hundred thousand statements
/// is not counted through a hundred thousand times.
pub(crate) struct Places<'a> {
    file: &'a Path,
    text: &'a str,
    offset: usize,
    lines: usize,
    characters: usize,
}

impl<'a> Places<'a> {
    pub(crate) fn of(file: &'a Path, text: &'a str) -> Places<'a> {
        Places { file, text, offset: 0, lines: 0, characters: 0 }
    }

    /// The location of byte `offset`.
    pub(crate) fn at(&mut self, offset: usize) -> Origin {
        let offset = offset.min(self.text.len());
        if offset < self.offset {
            (self.offset, self.lines, self.characters) = (0, 0, 0);
        }
        let between = &self.text[self.offset..offset];
        self.lines += between.matches('\n').count();
        self.characters = match between.rfind('\n') {
            Some(newline) => between[newline + 1..].chars().count(),
            None => self.characters + between.chars().count(),
        };
        self.offset = offset;
        Origin { file: self.file.to_path_buf(), line: count(self.lines), column: count(self.characters) }
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
        let mut places = Places::of(Path::new("x.sql"), text);
        // Forwards, and back again.
        for (offset, _) in text.char_indices().chain([(3, 'b'), (0, 'a')]) {
            let offset = text.floor_char_boundary(offset);
            assert_eq!(places.at(offset), Origin::at(Path::new("x.sql"), text, offset));
        }
    }
}
