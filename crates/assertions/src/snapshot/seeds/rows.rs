//! The rows of one table as a snapshot holds them, and as text.

use super::cell::{self, Cell};

/// Stands for rows of which there are more or fewer in each run.
const VARYING: &str = "…";

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rows {
    /// Each of them.
    Each {
        /// The names of the columns.
        columns: Vec<String>,
        /// In order.
        rows: Vec<Vec<Cell>>,
    },
    /// Too many to show: their number and a digest.
    Many(String),
    /// They differ in number from run to run.
    Varying,
}

impl Rows {
    pub(super) fn text(&self) -> String {
        match self {
            Rows::Each { columns, rows } => {
                let header = columns.join(", ");
                let rows = rows.iter().map(|row| cell::write(row));
                [header].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
            }
            Rows::Many(summary) => summary.clone(),
            Rows::Varying => VARYING.to_owned(),
        }
    }

    /// Reads what [`text`](Rows::text) wrote; none if it cannot have written it.
    pub(super) fn read(text: &str) -> Option<Rows> {
        let Some((header, lines)) = text.split_once('\n') else {
            return Some(if text == VARYING { Rows::Varying } else { Rows::Many(text.to_owned()) });
        };
        let columns: Vec<String> = header.split(", ").map(str::to_owned).collect();
        let rows: Option<Vec<Vec<Cell>>> = lines.split('\n').map(cell::read).collect();
        let rows = rows.filter(|rows| rows.iter().all(|row| row.len() == columns.len()))?;
        Some(Rows::Each { columns, rows })
    }
}
