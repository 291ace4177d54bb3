//! The matrix as text: tables as rows, attacks as columns, and the problems of each table in sentences.

use std::collections::{BTreeMap, BTreeSet};

use super::attack::Attack;
use super::cell::{Cell, Verdict};
use super::matrix::{Matrix, MatrixRow};
use super::probe::Actor;

/// The maximum number of attacks on one table that are reported with their statements.
const MOST_PROBLEMS: usize = 5;

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
            (None, true) if row.untried.is_some() => format!("{:<width$}  not tried: no row could be made", label(row)),
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

/// The problems of a table: the first attacks with the statement that demonstrates each, the rest by name.
pub(super) fn problems(rows: &[MatrixRow]) -> Vec<String> {
    let mut attacks: BTreeMap<(Attack, bool), Vec<&(Actor, Cell)>> = BTreeMap::new();
    for found in rows.iter().flat_map(|row| &row.cells).filter(|(_, cell)| cell.verdict >= Verdict::Hides) {
        attacks.entry((found.1.attack, found.1.no_tenant)).or_default().push(found);
    }
    let mut problems = Vec::new();
    let mut rest = Vec::new();
    for ((attack, no_tenant), found) in attacks {
        let of = if no_tenant { " of rows of no tenant" } else { "" };
        let Some((actor, cell)) = found.first() else { continue };
        if problems.len() == MOST_PROBLEMS {
            rest.push(format!("{attack}{of}"));
            continue;
        }
        let ways: BTreeSet<&String> = found.iter().filter_map(|(_, cell)| cell.by.as_ref()).collect();
        let by = match (&cell.by, ways.len()) {
            (Some(by), 1) => format!(" by {by}"),
            (Some(by), several) => format!(" by {by} and {} more", several - 1),
            (None, _) => String::new(),
        };
        let verdict = cell.verdict.name();
        problems.push(format!("{attack}{of}{by}, as {actor}: {verdict}: {}\n  {}", cell.note, cell.statement));
    }
    if !rest.is_empty() {
        problems.push(format!("and as well: {}", rest.join(", ")));
    }
    problems
}
