//! The checklist: a line each, with a mark, what was checked, what was found, and below it what to do.

use std::fmt::Write as _;

use pgproof_live::doctor::{Check, Outcome, Unchecked};

/// One line of the checklist.
#[derive(Debug)]
pub(super) struct Line {
    what: String,
    mark: Mark,
    found: String,
    remedy: Vec<String>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Fine,
    Warning,
    Problem,
    Unchecked,
}

impl Line {
    /// A check with no more than an error message.
    pub(super) fn of(what: impl Into<String>, found: Result<String, String>) -> Line {
        let (mark, found) = match found {
            Ok(found) => (Mark::Fine, found),
            Err(problem) => (Mark::Problem, problem),
        };
        Line { what: what.into(), mark, found, remedy: Vec::new() }
    }

    fn is(&self, mark: Mark) -> bool {
        self.mark == mark
    }
}

impl From<Check> for Line {
    fn from(check: Check) -> Line {
        let (mark, found, remedy) = match check.outcome {
            Outcome::Fine(found) => (Mark::Fine, found, Vec::new()),
            Outcome::Warning(problem) => (Mark::Warning, problem.found, problem.remedy),
            Outcome::Problem(problem) => (Mark::Problem, problem.found, problem.remedy),
            Outcome::Unchecked(why) => {
                let instead = match &why {
                    Unchecked::NotOverSql { instead, .. } => vec![(*instead).to_owned()],
                    _ => Vec::new(),
                };
                (Mark::Unchecked, why.to_string(), instead)
            }
        };
        Line { what: check.subject.to_string(), mark, found, remedy }
    }
}

impl Mark {
    fn sign(self) -> &'static str {
        match self {
            Mark::Fine => "✓",
            Mark::Warning => "!",
            Mark::Problem => "✗",
            Mark::Unchecked => "-",
        }
    }
}

/// Whether something will not work.
pub(super) fn has_problem(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.is(Mark::Problem))
}

/// The lines, with what was checked in a column of this width.
pub(super) fn rendered(lines: &[Line], width: usize) -> String {
    let mut text = String::new();
    for Line { what, mark, found, remedy } in lines {
        let indented = |text: &str| text.replace('\n', &format!("\n  {:width$}  ", ""));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {what:<width$}  {}", mark.sign(), indented(found));
        for step in remedy {
            let _ = writeln!(text, "  {:width$}  → {}", "", indented(step));
        }
    }
    text
}

/// The width of the first column.
pub(super) fn width(lines: &[Line]) -> usize {
    lines.iter().map(|line| line.what.chars().count()).max().unwrap_or(0)
}

/// How many checks came out how, as in `2 problems, 1 warning, 3 not checked`.
pub(super) fn summary(lines: &[Line]) -> String {
    let count = |mark: Mark| lines.iter().filter(|line| line.is(mark)).count();
    let counted = |mark: Mark, one: &str, many: &str| match count(mark) {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let parts: Vec<String> = [
        counted(Mark::Problem, "problem", "problems"),
        counted(Mark::Warning, "warning", "warnings"),
        counted(Mark::Unchecked, "not checked", "not checked"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "all is fine\n".to_owned() } else { format!("{}\n", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mend_is_below_what_was_found_and_everything_is_counted() {
        let mut lines =
            vec![Line::of("cargo", Ok("1.95".to_owned())), Line::of("server", Err("two\nlines".to_owned()))];
        assert_eq!(summary(&lines[..1]), "all is fine\n");
        lines[1].remedy.push("start it".to_owned());
        let shown = "✓ cargo   1.95\n✗ server  two\n          lines\n          → start it\n";
        assert_eq!(rendered(&lines, width(&lines)), shown);
        assert_eq!(summary(&lines), "1 problem\n");
        assert!(has_problem(&lines) && !has_problem(&lines[..1]));
    }
}
