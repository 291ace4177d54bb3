//! Every sentence that a suite's author can write has an example on the page `vocabulary`, where it is compiled: those
//! that the sources define, and those that the tables in `docs/` promise.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Names that are called in a text: words before a parenthesis.
fn called(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = text.match_indices('(').map(|(at, _)| &text[..at]);
    before.filter_map(|text| text.rsplit(|c| !is_name(c)).next()).filter(|name| !name.is_empty()).collect()
}

/// Names that the examples of the page use. The lines around the examples do not count.
fn examples() -> String {
    let page = read(&workspace().join("crates/pgproof/src/vocabulary.rs"));
    let parts = page.split("//! ```").enumerate();
    parts.filter(|(number, _)| number % 2 == 1).map(|(_, example)| example.to_owned()).collect()
}

#[track_caller]
fn demand(names: &BTreeSet<String>, least: usize) {
    assert!(names.len() >= least, "only {} sentences were found: {names:?}", names.len());
    let examples = examples();
    let shown = called(&examples);
    let missing: Vec<_> = names.iter().filter(|name| !shown.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "crates/pgproof/src/vocabulary.rs has no example of {missing:?}");
}

/// The method that a line of a source defines, if it continues a sentence: those consume what has been said.
fn sentence(line: &str) -> Option<&str> {
    let (name, _) = line.trim_start().trim_start_matches("pub ").strip_prefix("fn ")?.split_once(['(', '<'])?;
    // How plans begin their sentences, out of an author's sight.
    let is_sentence = (line.contains("(self") || line.contains("(mut self")) && !["claim", "planned"].contains(&name);
    is_sentence.then_some(name)
}

#[test]
fn what_the_sources_define_has_an_example() {
    let families = std::fs::read_dir(workspace().join("crates/assertions/src")).unwrap();
    let families = families.map(|entry| entry.unwrap().path()).filter(|file| file.is_file());
    // These define what an assertion is made of, and no sentence.
    let parts = ["assertion.rs", "check.rs", "pin.rs"];
    let families = families.filter(|file| !parts.iter().any(|part| file.ends_with(part)));
    let others = ["plans/src/planned_query.rs", "plans/src/claim.rs", "plans/src/sweep.rs"];
    let others = others.into_iter().chain(["rerun/src/lib.rs", "rerun/src/upgrade.rs"]);
    let mut names = BTreeSet::new();
    for file in families.chain(others.map(|file| workspace().join("crates").join(file))) {
        // The methods of a trait are public without saying so.
        let of_trait = file.ends_with("planned_query.rs");
        let source = read(&file);
        let public = source.lines().filter(|line| of_trait || line.trim_start().starts_with("pub fn"));
        names.extend(public.filter_map(sentence).map(str::to_owned));
    }
    demand(&names, 70);
}

#[test]
fn what_the_documentation_promises_has_an_example() {
    let mut names = BTreeSet::new();
    for page in ["suites.md", "migrations.md", "plans.md"] {
        let text = read(&workspace().join("docs").join(page));
        let tables = text.split("\n| say |").skip(1).map(|table| table.split("\n\n").next().unwrap_or_default());
        for row in tables.flat_map(|table| table.lines().filter(|line| line.starts_with("| `"))) {
            let cells: Vec<&str> = row.split(" | ").collect();
            let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
            let said = code(cells[0]);
            // The meaning names what may follow: `.named(name)`.
            let following = cells[1..].iter().flat_map(|cell| code(cell)).filter(|code| code.starts_with('.'));
            for code in said.into_iter().chain(following) {
                names.extend(called(&code).into_iter().map(str::to_owned));
            }
        }
    }
    demand(&names, 70);
}
