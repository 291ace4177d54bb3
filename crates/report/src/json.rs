//! The report for programs: the documents that `docs/json.md` describes.

use super::{Majors, Report, Reporter};

/// Reports as JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsJson;

impl Reporter for AsJson {
    fn report(&self, report: &Report) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(report)? + "\n")
    }

    fn majors(&self, majors: &Majors) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(majors)? + "\n")
    }
}
