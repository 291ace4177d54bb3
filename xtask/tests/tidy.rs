//! House rules that a compiler does not check: every file says what it is responsible for, and stays readable.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

const LONGEST: usize = 400;

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What is wrong with any source file, by `problem`.
#[track_caller]
fn demand_of_all(problem: impl Fn(&str) -> Option<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "only {} files were looked at", files.len());
    let problems: Vec<_> = files
        .iter()
        .filter_map(|file| {
            let text = std::fs::read_to_string(file).expect("a source file");
            problem(&text).map(|problem| format!("{}: {problem}", file.display()))
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_file_says_what_it_is_responsible_for() {
    demand_of_all(|text| {
        let first = text.lines().next().unwrap_or_default();
        (!first.starts_with("//! ") || first.len() < 20).then(|| "its first line is no //! header".to_owned())
    });
}

#[test]
fn no_file_is_too_long_to_read() {
    demand_of_all(|text| {
        let lines = text.lines().count();
        (lines > LONGEST).then(|| format!("{lines} lines, and {LONGEST} are the most"))
    });
}

#[test]
fn nothing_is_left_undone() {
    // In two parts, so that this file does not find itself.
    let marks = [["todo", "!("], ["unimplemented", "!("], ["#[ign", "ore"], ["FIX", "ME"]].map(|parts| parts.concat());
    demand_of_all(|text| {
        let found = marks.iter().find(|mark| text.lines().any(|line| line.trim_start().starts_with(*mark)));
        found.map(|mark| format!("it has {mark}"))
    });
}

/// Words of a dialect, and what to write instead.
const WORDS: &[(&str, &str)] = &[
    ("made anew", "dropped and re-created"),
    ("an be had", "is available, is not available"),
    ("taken back", "rolled back"),
    ("takes back", "rolls back"),
    ("is told", "is reported, is shown"),
    ("are told", "are reported, are shown"),
    ("is taken:", "was accepted"),
    ("also taken", "also accepted"),
    ("NULL is taken", "NULL was accepted"),
    ("synthesiser", "row generator"),
    ("caretaker", "reaper"),
    ("lifeline", "lease"),
    ("to be rid of", "to remove"),
];

#[test]
fn words_that_were_replaced_do_not_come_back() {
    demand_of_all(|text| {
        // This list itself holds them.
        if text.contains("const WORDS: &[") {
            return None;
        }
        let found = WORDS.iter().find(|(word, _)| text.contains(word));
        found.map(|(word, instead)| format!("it says {word:?}; write: {instead}"))
    });
}
