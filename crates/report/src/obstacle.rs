//! A single cause that prevented most assertions of a run from being checked: an error of the run, reported once.
//! Errors of single assertions are left to the report.

use std::collections::BTreeMap;

use super::SchemaReport;
use pgproof_runner::{evidence::Evidence, evidence::Outcome};

/// A condition of the server or of the connection that prevented assertions from being checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{count} of {assertions} assertions could not be checked, all for the same reason: {message}")]
#[non_exhaustive]
pub struct Obstacle {
    /// How many assertions it affected.
    pub count: usize,
    /// The total number of assertions.
    pub assertions: usize,
    /// The SQLSTATE of the condition.
    pub sqlstate: String,
    /// The message of the first of them.
    pub message: String,
}

impl Obstacle {
    /// The condition reported by at least half of the assertions that could not be checked.
    pub fn of(schemas: &[SchemaReport]) -> Option<Obstacle> {
        let tests = schemas.iter().flat_map(|schema| &schema.sections).flat_map(|section| &section.tests);
        let all: Vec<&Evidence> = tests.flat_map(|test| &test.assertions).collect();
        let failed: Vec<&&Evidence> = all.iter().filter(|evidence| evidence.outcome == Outcome::Error).collect();
        let mut by_condition: BTreeMap<&str, Vec<&Evidence>> = BTreeMap::new();
        for evidence in &failed {
            if let Some(sqlstate) = evidence.sqlstate.as_deref().filter(|sqlstate| is_the_servers(sqlstate)) {
                by_condition.entry(sqlstate).or_default().push(evidence);
            }
        }
        let (sqlstate, kept) = by_condition.into_iter().max_by_key(|(_, kept)| kept.len())?;
        (kept.len() * 2 >= failed.len()).then(|| Obstacle {
            count: kept.len(),
            assertions: all.len(),
            sqlstate: sqlstate.to_owned(),
            message: kept.first().and_then(|evidence| evidence.message.clone()).unwrap_or_default(),
        })
    }

    /// Whether the session was lost, so that the server's log has more information.
    pub fn is_lost_session(&self) -> bool {
        !self.sqlstate.starts_with("53")
    }
}

/// Whether an SQLSTATE concerns the server or the connection, rather than a statement (PostgreSQL's appendix
/// "PostgreSQL Error Codes").
fn is_the_servers(sqlstate: &str) -> bool {
    // Connection Exception, Insufficient Resources, the shutdowns of Operator Intervention, System Error, Internal Error.
    ["08", "53", "57P0", "58", "XX"].iter().any(|class| sqlstate.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counts, SectionReport, TestReport, Verdict};

    fn schema(sqlstates: &[Option<&str>]) -> SchemaReport {
        let evidence = |sqlstate: Option<&str>| Evidence {
            schema: "shop".to_owned(),
            test: "t".to_owned(),
            location: "t.rs:1".to_owned(),
            subject: "table orders".to_owned(),
            sentence: "exists".to_owned(),
            object: "table orders".to_owned(),
            pins: Vec::new(),
            extent: None,
            accepted: std::collections::BTreeSet::new(),
            undecided: None,
            behavioural: false,
            outcome: Outcome::Error,
            not_tried: None,
            ended_test: false,
            message: Some("error: it went wrong".to_owned()),
            cause: None,
            sqlstate: sqlstate.map(str::to_owned),
            exhibit: None,
            detail: None,
            made_at: None,
            micros: 1,
        };
        let assertions = sqlstates.iter().copied().map(evidence).collect();
        let test = TestReport { name: "t".to_owned(), verdict: Verdict::Error, output: None, assertions };
        let section = SectionReport {
            module: "t".to_owned(),
            title: "T".to_owned(),
            verdict: Verdict::Error,
            promised: 0,
            counts: Counts::default(),
            tests: vec![test],
        };
        SchemaReport::of_sections("shop".to_owned(), Verdict::Error, Vec::new(), vec![section])
    }

    #[test]
    fn one_server_condition_behind_most_errors_is_one_error() {
        let full = Some("53100");
        let found = Obstacle::of(&[schema(&[full, full, Some("42P01")])]).expect("an obstacle");
        assert_eq!((found.count, found.assertions, found.sqlstate.as_str()), (2, 3, "53100"));
        assert_eq!(
            found.to_string(),
            "2 of 3 assertions could not be checked, all for the same reason: error: it went wrong"
        );
    }

    #[test]
    fn errors_for_other_reasons_are_left_to_the_report() {
        assert_eq!(Obstacle::of(&[schema(&[Some("53100"), None, Some("42P01")])]), None);
        assert_eq!(Obstacle::of(&[schema(&[Some("42501"), Some("42501")])]), None);
        assert_eq!(Obstacle::of(&[]), None);
    }
}
