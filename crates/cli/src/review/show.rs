//! Shows a pending change on a terminal, or all of them as Markdown.

use similar::{ChangeTag, TextDiff};

use super::pending::Pending;

/// One change: its name, what it means, and the diff.
pub(super) fn text(change: &Pending, number: usize, of: usize, colour: bool) -> String {
    let bold = |text: &str| if colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
    let mut text = format!("{}  ({number} of {of})\n", bold(&format!("{}: {}", change.schema, change.name)));
    for sentence in change.meaning() {
        text.push_str(&format!("  * {sentence}\n"));
    }
    text.push('\n');
    for (tag, line) in lines(change) {
        let (sign, code) = match tag {
            ChangeTag::Equal => (' ', 0),
            ChangeTag::Delete => ('-', 31),
            ChangeTag::Insert => ('+', 32),
        };
        let line = format!("  {sign} {line}");
        text.push_str(&if colour && code > 0 { format!("\x1b[{code}m{line}\x1b[0m\n") } else { format!("{line}\n") });
    }
    text
}

/// All changes, each diff in a collapsed section.
pub(super) fn markdown(pending: &[Pending]) -> String {
    if pending.is_empty() {
        return "No plan changes are pending.\n".to_owned();
    }
    let plural = if pending.len() == 1 { "plan has" } else { "plans have" };
    let mut text = format!("### {} {plural} changed\n", pending.len());
    for change in pending {
        let sentences = change.meaning();
        text.push_str(&format!("\n**{}: {}**\n\n", change.schema, change.name));
        for sentence in sentences {
            text.push_str(&format!("- {sentence}\n"));
        }
        text.push_str("\n<details><summary>diff</summary>\n\n```diff\n");
        for (tag, line) in lines(change) {
            let sign = match tag {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            text.push_str(&format!("{sign} {line}\n"));
        }
        text.push_str("```\n\n</details>\n");
    }
    text
}

/// The lines of the diff: a plan is short enough to show in full, of a schema only what surrounds a change.
fn lines(change: &Pending) -> Vec<(ChangeTag, String)> {
    let old = change.old.as_ref().map(|old| format!("{}\n", old.content)).unwrap_or_default();
    let new = format!("{}\n", change.new.content);
    let diff = TextDiff::from_lines(&old, &new);
    let groups = diff.grouped_ops(change.context());
    let changes = groups.iter().flatten().flat_map(|op| diff.iter_changes(op));
    changes.map(|line| (line.tag(), line.value().trim_end().to_owned())).collect()
}
