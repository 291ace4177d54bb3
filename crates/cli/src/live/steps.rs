//! How far a backup or a restore is: on a terminal at any time, elsewhere a line now and then.

use std::time::{Duration, Instant};

use pgproof_live::backup::{Finding, MOST_REPORTED, Step};

use crate::terminal::{Progress, note};

/// How often a line is written where nobody watches.
const SELDOM: Duration = Duration::from_secs(30);

/// The progress of a backup or a restore, on standard error.
pub(super) struct Steps {
    progress: Progress,
    noted: Instant,
}

impl Steps {
    pub(super) fn new() -> Steps {
        Steps { progress: Progress::new(false), noted: Instant::now() }
    }

    /// Shows what is being done.
    pub(super) fn begin(&mut self, what: &str) {
        self.progress.step(what);
    }

    /// Shows how far it is.
    pub(super) fn show(&mut self, step: &Step) {
        let what = match step {
            Step::Reading(table) => format!("reading the rows of {table}"),
            Step::Dumping(size) => format!("dumping: {} written", bytes(*size)),
            Step::Restoring(size) => format!("restoring: the database has {}", bytes(*size)),
            _ => return,
        };
        if self.progress.is_live() {
            self.progress.step(&what);
        } else if self.noted.elapsed() >= SELDOM {
            self.noted = Instant::now();
            note(what);
        }
    }
}

/// A number of bytes as PostgreSQL prints it, as in "12 MB".
pub(super) fn bytes(count: u64) -> String {
    let mut count = count;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if count < 10 * 1024 {
            return format!("{count} {unit}");
        }
        count = count.div_ceil(1024);
    }
    format!("{count} TB")
}

/// The findings, one a line, and how many more there are.
pub(super) fn list(findings: &[Finding]) -> String {
    // What pg_restore said comes last, and is always shown.
    let (said, others): (Vec<_>, Vec<_>) =
        findings.iter().partition(|finding| matches!(finding, Finding::PgRestore { .. }));
    let mut lines: Vec<String> = others.iter().take(MOST_REPORTED).map(ToString::to_string).collect();
    if others.len() > MOST_REPORTED {
        lines.push(format!("and {} more", others.len() - MOST_REPORTED));
    }
    lines.extend(said.iter().map(ToString::to_string));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_readable() {
        let all: Vec<String> = [0, 10_239, 10_240, 52_428_800, 1 << 50].map(bytes).into();
        assert_eq!(all, ["0 bytes", "10239 bytes", "10 kB", "50 MB", "1024 TB"]);
    }
}
