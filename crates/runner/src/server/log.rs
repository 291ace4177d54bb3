//! The end of a server's log, for messages.

use std::path::Path;

/// The last lines of a log file.
pub(super) fn of(path: &Path) -> String {
    tail(&String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()))
}

/// The last lines of a log.
pub(super) fn tail(text: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return "(the log is empty)".to_owned();
    }
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
