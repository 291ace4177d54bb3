//! What an output format is: it turns a report into text. Each format has a file of its own; `cli` chooses one.

use super::{Majors, Report};

/// An output format.
pub trait Reporter {
    /// The report of one run.
    fn report(&self, report: &Report) -> Result<String, serde_json::Error>;

    /// The report on several major versions.
    fn majors(&self, majors: &Majors) -> Result<String, serde_json::Error>;
}
