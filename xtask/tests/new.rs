//! `cargo xtask new` on a copy of the files that it changes: what it writes, where it registers it, and what it rejects.
//! That a skeleton compiles and that its tests hold is tested in its crate, which compiles the template itself.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The exit code and all that was printed.
fn new(root: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    // From a directory below, as an author may be anywhere in the workspace.
    let output = xtask.arg("new").args(arguments).current_dir(root.path().join("crates")).output().expect("xtask runs");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// What `new` changes, and how a workspace is recognised.
const CHANGED: [&str; 4] =
    ["Cargo.toml", "crates/assertions/src/lib.rs", "crates/cli/src/lib.rs", "crates/report/src/lib.rs"];

fn workspace() -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for file in CHANGED {
        let copy = root.path().join(file);
        std::fs::create_dir_all(copy.parent().expect("a parent")).expect("a directory");
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file), copy).expect("a file");
    }
    root
}

fn text(root: &TempDir, file: &str) -> String {
    std::fs::read_to_string(root.path().join(file)).expect("a file")
}

/// Asserts that the file has these lines, one below the other, and is otherwise as in this repository.
#[track_caller]
fn demand(root: &TempDir, file: &str, added: &[&str], block: &[&str]) {
    let original =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).expect("a file");
    let changed = text(root, file);
    assert!(changed.contains(&block.join("\n")), "no such lines in\n{changed}");
    let rest: Vec<&str> = changed.lines().filter(|line| !added.contains(line)).collect();
    assert_eq!(rest, original.lines().collect::<Vec<_>>());
}

#[test]
fn an_assertion() {
    let root = workspace();
    let (code, shown) = new(&root, &["assertion", "fill_factor"]);
    assert_eq!(code, Some(0), "{shown}");
    for part in ["new:     crates/assertions/src/fill_factor.rs", "changed: crates/assertions/src/lib.rs", "next:"] {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
    let family = text(&root, "crates/assertions/src/fill_factor.rs");
    assert!(family.starts_with("//! `fill_factor`: "), "{family}");
    assert!(!family.to_lowercase().contains("skeleton"), "{family}");
    for part in ["pub fn fill_factor(self) -> FillFactor {", "impl Assertion for FillFactor {"] {
        assert!(family.contains(part), "no {part:?} in\n{family}");
    }
    let line = "pub mod fill_factor;";
    let block = ["pub mod extension;", line, "pub mod foreign_key;"];
    demand(&root, "crates/assertions/src/lib.rs", &[line], &block);
}

#[test]
fn a_command() {
    let root = workspace();
    assert_eq!(new(&root, &["command", "list_files"]).0, Some(0));
    let command = text(&root, "crates/cli/src/list_files.rs");
    assert!(command.starts_with("//! `list-files`: "), "{command}");
    assert!(!command.to_lowercase().contains("skeleton"), "{command}");
    let added = [
        "mod list_files;",
        "    /// Show where the migrations of each schema are",
        "    ListFiles(list_files::Arguments),",
        "        Command::ListFiles(arguments) => list_files::run(config, arguments),",
    ];
    for block in [
        &["mod exit;", added[0], "mod live;"][..],
        &["    Bench(bench::Arguments),", added[1], added[2], "}"],
        &["        Command::Restore(arguments) => live::restore::run(config, arguments),", added[3], "    }", "}"],
    ] {
        demand(&root, "crates/cli/src/lib.rs", &added, block);
    }
}

#[test]
fn a_format() {
    let root = workspace();
    assert_eq!(new(&root, &["format", "junit"]).0, Some(0));
    let format = text(&root, "crates/report/src/junit.rs");
    assert!(format.contains("impl Reporter for Junit {"), "{format}");
    assert!(!format.to_lowercase().contains("skeleton"), "{format}");
    let added = ["mod junit;", "pub use junit::Junit;"];
    demand(&root, "crates/report/src/lib.rs", &added, &["mod json;", added[0], "mod majors;"]);
    let block = ["pub use json::AsJson;", added[1], "pub use majors::Majors;"];
    demand(&root, "crates/report/src/lib.rs", &added, &block);
}

#[test]
fn what_exists_is_never_overwritten() {
    let root = workspace();
    assert_eq!(new(&root, &["assertion", "fill_factor"]).0, Some(0));
    let before = text(&root, "crates/assertions/src/lib.rs");
    let (code, shown) = new(&root, &["assertion", "fill_factor"]);
    assert_eq!((code, &*shown), (Some(2), "error: crates/assertions/src/fill_factor.rs already exists\n"));
    // Its file is not in the copy.
    let (code, shown) = new(&root, &["assertion", "table"]);
    let declared = "error: crates/assertions/src/lib.rs declares the module table already\n";
    assert_eq!((code, &*shown), (Some(2), declared));
    assert_eq!(text(&root, "crates/assertions/src/lib.rs"), before);
    assert!(!root.path().join("crates/assertions/src/table.rs").exists());
}

#[test]
fn a_name_in_another_notation_is_rejected() {
    let root = workspace();
    let (code, shown) = new(&root, &["format", "JUnit"]);
    assert_eq!(code, Some(2));
    assert!(shown.contains("expected snake_case: lower-case words, joined by _"), "{shown}");
}

#[test]
fn without_a_place_to_register_nothing_is_written() {
    let root = workspace();
    std::fs::write(root.path().join("crates/cli/src/lib.rs"), "mod a;\n").expect("a file");
    let (code, shown) = new(&root, &["command", "list_files"]);
    let line = "error: crates/cli/src/lib.rs has no line `enum Command {`, after which to register it\n";
    assert_eq!((code, &*shown), (Some(2), line));
    assert!(!root.path().join("crates/cli/src/list_files.rs").exists());
}

#[test]
fn the_help_lists_all_commands() {
    let help = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("--help").output().expect("xtask runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.starts_with("Proves PostgreSQL schemas"), "{help}");
    for command in ["verify", "doctor", "new"] {
        assert!(help.lines().any(|line| line.split_whitespace().next() == Some(command)), "no {command} in\n{help}");
    }
}
