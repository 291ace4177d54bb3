//! The end of a server's log, for messages.

use std::collections::HashSet;
use std::path::Path;

/// The last lines of a log file.
pub(crate) fn of(path: &Path) -> String {
    tail(&String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()))
}

/// The last lines of a log.
pub(crate) fn tail(text: &str) -> String {
    const LINES: usize = 20;
    // A failing server repeats one message for every connection attempt, burying the message about the failure.
    let mut said = HashSet::new();
    let message = |line: &str| line.split_once("] ").map_or(line, |(_, message)| message).to_owned();
    let lines: Vec<&str> = text.lines().filter(|line| said.insert(message(line))).collect();
    if lines.is_empty() {
        return "(the log is empty)".to_owned();
    }
    let from = lines.len().saturating_sub(LINES);
    // The lines after a panic may be more than are shown here.
    match lines[..from].iter().find(|line| line.contains("PANIC:  ")) {
        Some(panic) => format!("{panic}\n…\n{}", lines[from..].join("\n")),
        None => lines[from..].join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_messages_are_shown_once() {
        let knock = |n: usize| format!("2026-01-01 00:00:00 UTC [{n}] FATAL:  not now\n");
        let log = format!("2026-01-01 00:00:00 UTC [1] PANIC:  no room\n{}", (2..90).map(knock).collect::<String>());
        assert_eq!(
            tail(&log),
            "2026-01-01 00:00:00 UTC [1] PANIC:  no room\n2026-01-01 00:00:00 UTC [2] FATAL:  not now"
        );
        assert_eq!(tail(""), "(the log is empty)");
    }

    #[test]
    fn a_panic_is_shown_whatever_follows() {
        let recovery = |n: usize| format!("2026-01-01 00:00:00 UTC [{n}] LOG:  recovery {n}\n");
        let after: String = (0..90).map(recovery).collect();
        let shown = tail(&format!("2026-01-01 00:00:00 UTC [1] PANIC:  no room\n{after}"));
        assert!(shown.starts_with("2026-01-01 00:00:00 UTC [1] PANIC:  no room\n…\n"), "{shown}");
        assert!(shown.ends_with("recovery 89"), "{shown}");
    }
}
