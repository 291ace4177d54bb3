//! What an audit tried, rule by rule: of how many files or cases, and how many violate the rule.

use serde::Serialize;

use super::rule::Rule;

/// A rule, and on what it was tried.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Check {
    pub(super) rule: Rule,
    /// On how many it was tried.
    pub(super) tried: usize,
    /// What they are.
    pub(super) unit: Unit,
    /// How many of them violate the rule.
    pub(super) violations: usize,
    /// Why it was not tried, or why violations are no findings.
    pub(super) remark: Option<String>,
}

/// What a rule is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unit {
    Statements,
    Files,
    Rollbacks,
    Runs,
}

impl Unit {
    /// This many of it, in words.
    fn count(self, number: usize) -> String {
        let (one, several) = match self {
            Unit::Statements => ("statement", "statements"),
            Unit::Files => ("file", "files"),
            Unit::Rollbacks => ("down migration", "down migrations"),
            Unit::Runs => ("run", "runs"),
        };
        format!("{number} {}", if number == 1 { one } else { several })
    }
}

impl Check {
    pub(super) fn new(rule: Rule, tried: usize, unit: Unit) -> Check {
        Check { rule, tried, unit, violations: 0, remark: None }
    }

    pub(super) fn with_violations(self, violations: usize) -> Check {
        Check { violations, ..self }
    }

    pub(super) fn remarked(self, remark: impl Into<String>) -> Check {
        Check { remark: Some(remark.into()), ..self }
    }
}

/// The checks as a table.
pub(super) fn table(checks: &[Check]) -> String {
    let rows: Vec<[String; 3]> = checks
        .iter()
        .map(|check| {
            let outcome = match check.violations {
                _ if check.tried == 0 => "not tried".to_owned(),
                0 => "hold".to_owned(),
                violations => format!("{violations} violate it"),
            };
            [check.rule.name().to_owned(), check.unit.count(check.tried), outcome]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for (row, check) in rows.iter().zip(checks) {
        let [rule, tried, outcome] = row;
        let remark = check.remark.as_ref().map(|remark| format!("  {remark}")).unwrap_or_default();
        let line = format!("  {rule:<0$}  {tried:>1$}  {outcome:<2$}{remark}", widths[0], widths[1], widths[2]);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_was_tried_and_what_was_not() {
        let checks = [
            Check::new(Rule::Applies, 120, Unit::Statements),
            Check::new(Rule::Again, 12, Unit::Files).with_violations(11).remarked("the tool runs no file twice"),
            Check::new(Rule::Rollback, 1, Unit::Rollbacks).with_violations(1),
            Check::new(Rule::Rows, 0, Unit::Runs).remarked("files cannot be run again"),
        ];
        let expected = "  applies     120 statements  hold
  again             12 files  11 violate it  the tool runs no file twice
  rollback  1 down migration  1 violate it
  rows                0 runs  not tried      files cannot be run again
";
        assert_eq!(table(&checks), expected);
    }
}
