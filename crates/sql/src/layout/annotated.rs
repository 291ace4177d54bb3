//! Layouts in which one file holds both directions, separated by annotations in comments.

use std::path::{Path, PathBuf};

use super::super::{Source, SourceError};
use super::named::sorted;
use super::{Part, Step};

/// The steps of files with these annotations; `None` if no file has the annotation that begins the up migration.
pub(super) fn steps(root: &Path, files: &[PathBuf], up: &str, down: &str) -> Result<Option<Vec<Step>>, SourceError> {
    let mut steps = Vec::new();
    for path in sorted(files.to_vec()) {
        let text = Source::read(root, &path)?.text;
        if part(&text, up, down).is_none() {
            continue;
        }
        let of = |begins, ends| part(&text, begins, ends).map(|text| Part { path: path.clone(), text: Some(text) });
        if let Some(first) = of(up, down) {
            steps.push(Step::new(first, of(down, up)));
        }
    }
    Ok((!steps.is_empty()).then_some(steps))
}

/// The text of an annotation, in lower case and without blanks: `--migrate:up`, `-- +goose Up`.
pub(super) fn annotation(line: &str) -> Option<String> {
    let said: String = line.trim().strip_prefix("--")?.to_lowercase().split_whitespace().collect();
    ["+goose", "+migrate", "migrate:"].iter().any(|tool| said.starts_with(tool)).then_some(said)
}

/// Whether a file declares that it must not run in a transaction.
pub(super) fn opts_out(text: &str) -> bool {
    text.lines().filter_map(annotation).any(|said| said.contains("notransaction") || said.contains("transaction:false"))
}

/// The lines between two annotations. The other lines are blanked, so that line numbers are preserved.
fn part(text: &str, begins: &str, ends: &str) -> Option<String> {
    let mut inside = false;
    let mut found = false;
    let mut part = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match annotation(line) {
            Some(said) if said.starts_with(begins) => (inside, found) = (true, true),
            Some(said) if said.starts_with(ends) => inside = false,
            _ => {}
        }
        if inside {
            part.push_str(line);
        } else if line.ends_with('\n') {
            part.push('\n');
        }
    }
    found.then_some(part)
}
