//! The report in the format `skeleton`: say here who reads it, and which parts of the report it leaves out.

use std::fmt::Write;

use crate::{Counts, Majors, Report, Reporter};

/// Reports in the format `skeleton`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Skeleton;

impl Reporter for Skeleton {
    fn report(&self, report: &Report) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for schema in &report.schemas {
            let Counts { proven, assertions, .. } = schema.counts;
            let _ = writeln!(text, "{}: {proven} of {assertions} assertions hold", schema.name);
        }
        Ok(text)
    }

    fn majors(&self, majors: &Majors) -> Result<String, serde_json::Error> {
        majors.majors.iter().map(|report| self.report(report)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_schema_has_a_line() {
        let counts = serde_json::json!({
            "tests": 1, "assertions": 2, "behavioural": 2, "proven": 1, "refuted": 1, "error": 0,
        });
        let schema = serde_json::json!({
            "name": "shop", "verdict": "refuted", "migrations": [], "counts": counts, "sections": [],
        });
        let report: Report = serde_json::from_value(serde_json::json!({
            "format": crate::FORMAT, "verdict": "refuted", "seconds": 1.0, "counts": counts, "schemas": [schema],
            "server": { "provider": "local", "version": { "major": 18, "minor": 1, "text": "18.1" } },
        }))
        .unwrap();
        insta::assert_snapshot!(Skeleton.report(&report).unwrap(), @"shop: 1 of 2 assertions hold");
    }
}
