//! The matrix as text: tables down, attacks across, and what is wrong with a table in sentences.

use std::collections::BTreeSet;

use super::attack::{Attack, Verdict};
use super::matrix::{Matrix, MatrixRow};

/// The most problems of one table that are told.
const MOST_PROBLEMS: usize = 6;

/// The matrix.
pub(super) fn table(matrix: &Matrix) -> String {
    let label = |row: &MatrixRow| {
        if row.no_tenant { format!("{}, of no tenant", row.table) } else { row.table.clone() }
    };
    let quiet = |row: &&MatrixRow| row.no_tenant && Attack::ALL.iter().all(|a| row.verdict(*a) <= Verdict::Isolated);
    let (quiet, shown): (Vec<_>, Vec<_>) = matrix.rows.iter().partition(quiet);
    let rest = format!("rows of no tenant in {} tables", quiet.len());
    let width = shown.iter().map(|row| label(row).len()).chain([rest.len()]).max().unwrap_or(0);
    let mut text = format!("What a tenant can do to another, as {} and as the tables' owner:\n", matrix.role);
    text.push_str(&header(width));
    for row in shown {
        let marks: Vec<&str> = Attack::ALL.iter().map(|attack| mark(row.verdict(*attack))).collect();
        let line = match (&row.decision, row.cells.is_empty()) {
            (Some(reason), true) => format!("{:<width$}  shared: {reason}", label(row)),
            (None, true) => format!("{:<width$}  undecided", label(row)),
            _ => format!("{:<width$}  {}", label(row), marks.join(" ")),
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if !quiet.is_empty() {
        let worst =
            |attack: Attack| quiet.iter().map(|row| row.verdict(attack)).max().unwrap_or(Verdict::NotApplicable);
        let marks: Vec<&str> = Attack::ALL.iter().map(|attack| mark(worst(*attack))).collect();
        text.push_str(format!("{rest:<width$}  {}", marks.join(" ")).trim_end());
        text.push('\n');
    }
    text.push_str("· isolated   - refused   a accepted   ✗ leaks   ! hides its own   blank: nothing to attack\n");
    text
}

/// The names of the attacks, from top to bottom.
fn header(width: usize) -> String {
    let height = Attack::ALL.iter().map(|attack| attack.name().len()).max().unwrap_or(0);
    let line = |at: usize| {
        let letter = |attack: &Attack| {
            let name = attack.name();
            let from = height - name.len();
            at.checked_sub(from).and_then(|at| name.chars().nth(at)).unwrap_or(' ').to_string()
        };
        let letters: Vec<String> = Attack::ALL.iter().map(letter).collect();
        format!("{:width$}  {}", "", letters.join(" ")).trim_end().to_owned() + "\n"
    };
    (0..height).map(line).collect()
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotApplicable => " ",
        Verdict::Refused => "-",
        Verdict::Isolated => "·",
        Verdict::Accepted => "a",
        Verdict::Hides => "!",
        Verdict::Leaks => "✗",
    }
}

/// What is wrong with a table, an attack each, with the statement that shows it.
pub(super) fn problems(rows: &[MatrixRow]) -> Vec<String> {
    let bad = rows.iter().flat_map(|row| &row.cells).filter(|(_, cell)| cell.verdict >= Verdict::Hides);
    let mut told = BTreeSet::new();
    let mut problems = Vec::new();
    for (actor, cell) in bad {
        if !told.insert((cell.attack, cell.no_tenant, cell.by.clone())) {
            continue;
        }
        let by = cell.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let of = if cell.no_tenant { ", rows of no tenant" } else { "" };
        let verdict = if cell.verdict == Verdict::Hides { "hides" } else { "leaks" };
        problems.push(format!("{}{by}{of}, as {actor}: {verdict}: {}\n  {}", cell.attack, cell.note, cell.statement));
    }
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    problems.truncate(MOST_PROBLEMS);
    if more > 0 {
        problems.push(format!("and {more} more attacks"));
    }
    problems
}
