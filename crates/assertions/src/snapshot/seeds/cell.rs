//! A value of a row as a snapshot shows it: as an INSERT would have it, on one line, and `…` for what differs from run to
//! run.

use std::cmp::Ordering;
use std::fmt;

use sha2::{Digest, Sha256};

use pgproof_catalog::Column;

/// Stands for a value that differs from run to run.
const VARIES: &str = "…";

/// A longer value is shown by its beginning and a digest.
const LONGEST: usize = 200;

/// How much of it is shown.
const SHOWN: usize = 60;

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell(String);

impl Cell {
    /// A value that is the same in every run.
    pub(super) fn of(column: &Column, value: Option<&str>) -> Cell {
        Cell(match value {
            None => "NULL".to_owned(),
            // Numbers and booleans.
            Some(value) if matches!(column.ty.category, 'N' | 'B') => value.to_owned(),
            Some(value) if value.chars().count() <= LONGEST => quoted(value),
            Some(value) => {
                let start: String = value.chars().take(SHOWN).collect();
                let (start, length) = (quoted(&start), value.chars().count());
                format!("{start}… {length} characters, digest {}", digest(value))
            }
        })
    }

    pub(super) fn varying() -> Cell {
        Cell(VARIES.to_owned())
    }

    pub(super) fn varies(&self) -> bool {
        self.0 == VARIES
    }

    pub(super) fn is_null(&self) -> bool {
        self.0 == "NULL"
    }

    /// The value itself, if it is known from what is shown and not NULL.
    pub(super) fn value(&self) -> Option<String> {
        let text = self.0.as_str();
        let body = text.strip_prefix("E'").or_else(|| text.strip_prefix('\''));
        match body {
            Some(body) => unquoted(body.strip_suffix('\'')?, text.starts_with('E')),
            None => Some(text.to_owned()).filter(|_| !self.varies() && !self.is_null()),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Numbers by their value, everything else by its text.
impl Ord for Cell {
    fn cmp(&self, other: &Cell) -> Ordering {
        let number = |cell: &Cell| cell.0.parse::<i128>().map_or((1, 0), |number| (0, number));
        number(self).cmp(&number(other)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Cell) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A row on one line.
pub(super) fn write(row: &[Cell]) -> String {
    format!("({})", row.iter().map(|cell| cell.0.as_str()).collect::<Vec<_>>().join(", "))
}

/// Reads what [`write`] wrote.
pub(super) fn read(line: &str) -> Option<Vec<Cell>> {
    let line = line.strip_prefix('(')?.strip_suffix(')')?;
    let (mut cells, mut start, mut is_quoted) = (Vec::new(), 0, false);
    let mut is_long = false;
    for (at, character) in line.char_indices() {
        match character {
            '\'' => is_quoted = !is_quoted,
            // After the beginning of a long value follow its length and its digest.
            '…' if !is_quoted && line.get(..at).is_some_and(|before| before.ends_with('\'')) => is_long = true,
            ',' if !is_quoted && is_long => is_long = false,
            ',' if !is_quoted => {
                cells.push(Cell(line.get(start..at)?.to_owned()));
                start = at + 2;
            }
            _ => {}
        }
    }
    cells.push(Cell(line.get(start..)?.to_owned()));
    (!is_quoted).then_some(cells)
}

fn quoted(value: &str) -> String {
    let text = value.replace('\'', "''");
    if !text.contains(|c: char| c.is_control() || c == '\\') {
        return format!("'{text}'");
    }
    let escaped = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("E'{}'", text.chars().map(escaped).collect::<String>())
}

fn unquoted(body: &str, is_escaped: bool) -> Option<String> {
    let body = body.replace("''", "'");
    if !is_escaped {
        return Some(body);
    }
    let mut text = String::new();
    let mut characters = body.chars();
    while let Some(c) = characters.next() {
        text.push(match c {
            '\\' => match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = characters.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                other => other,
            },
            c => c,
        });
    }
    Some(text)
}

/// The beginning of a digest.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgproof_catalog::{ColumnType, Generation};

    fn cell(category: char, value: Option<&str>) -> Cell {
        let ty = ColumnType {
            name: String::new(),
            base: String::new(),
            kind: 'b',
            category,
            element: None,
            labels: None,
            domain: None,
            domain_checks: None,
        };
        let column = Column {
            name: String::new(),
            ty,
            not_null: false,
            default: None,
            generation: Generation::None,
            generated_as: None,
            comment: None,
        };
        Cell::of(&column, value)
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let long = "a, 'b' ".repeat(50);
        let values = [
            "",
            "it's",
            "a, b",
            "('x')",
            "line\nbreak\\n\u{1}",
            "NULL",
            "…",
            "'",
            "E'x",
            "true",
            "über",
            long.as_str(),
        ];
        let mut row: Vec<Cell> = values.iter().map(|value| cell('S', Some(value))).collect();
        row.extend([cell('S', None), Cell::varying(), cell('N', Some("-1.50")), cell('B', Some("true"))]);
        let line = write(&row);
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(read(&line).as_ref(), Some(&row));
        let known: Vec<Option<String>> = row.iter().map(Cell::value).collect();
        let mut expected: Vec<Option<String>> = values.iter().map(|value| Some((*value).to_owned())).collect();
        expected[values.len() - 1] = None;
        expected.extend([None, None, Some("-1.50".to_owned()), Some("true".to_owned())]);
        assert_eq!(known, expected);
    }

    #[test]
    fn a_change_beyond_what_is_shown_of_a_long_value_shows() {
        let long = "x".repeat(1000);
        assert_ne!(cell('S', Some(&long)), cell('S', Some(&format!("{}y", &long[1..]))));
        assert!(cell('S', Some(&long)).to_string().len() < 150);
    }

    #[test]
    fn numbers_are_in_their_order() {
        let mut cells = ["10", "9", "-1"].map(|number| cell('N', Some(number)));
        cells.sort();
        assert_eq!(cells.map(|cell| cell.to_string()), ["-1", "9", "10"]);
    }
}
