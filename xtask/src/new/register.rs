//! Lines that register a new module, put where they belong in the text of a file. Nothing is read or written here.

use super::name::Name;

/// The text with `mod NAME;` in alphabetical place in the first block of modules.
pub(crate) fn with_module(text: &str, keyword: &str, name: &Name) -> Option<String> {
    let module = |line: &str| Some(line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    sorted_in(text, &format!("{keyword} {name};"), module)
}

/// The text with this `pub use` in alphabetical place in the block of the first one that names a module of this crate.
pub(crate) fn with_use(text: &str, line: &str) -> Option<String> {
    let used = |line: &str| Some(line.strip_prefix("pub use ")?.strip_suffix(';')?.to_owned());
    sorted_in(text, line, used)
}

/// The text with `new` before the end of the block that begins with this line.
pub(crate) fn before_end_of(text: &str, beginning: &str, new: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.trim_start() == beginning)?;
    let indent = &lines[first][..lines[first].len() - beginning.len()];
    let end = format!("{indent}}}");
    let last = first + lines[first..].iter().position(|line| *line == end)?;
    Some(with_line(&lines, last, new))
}

/// The text with `new` in the first block of lines that have a key, before the first with a greater one.
fn sorted_in(text: &str, new: &str, key: impl Fn(&str) -> Option<String>) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| key(line).is_some())?;
    let block = lines[first..].iter().take_while(|line| key(line).is_some());
    let own = key(new);
    let before = block.take_while(|line| key(line) < own).count();
    Some(with_line(&lines, first + before, new))
}

fn with_line(lines: &[&str], at: usize, new: &str) -> String {
    let (before, after) = lines.split_at(at);
    let all = before.iter().chain([&new]).chain(after);
    all.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(text: &str, name: &str) -> Option<String> {
        with_module(text, "pub mod", &name.parse().unwrap())
    }

    #[test]
    fn a_module_stands_in_alphabetical_place() {
        let text = "//! x\n\npub mod b;\nmod d;\n\nmod z;\n";
        assert_eq!(module(text, "a").unwrap(), "//! x\n\npub mod a;\npub mod b;\nmod d;\n\nmod z;\n");
        assert_eq!(module(text, "c").unwrap(), "//! x\n\npub mod b;\npub mod c;\nmod d;\n\nmod z;\n");
        assert_eq!(module(text, "e").unwrap(), "//! x\n\npub mod b;\nmod d;\npub mod e;\n\nmod z;\n");
        assert_eq!(module("//! x\n", "a"), None);
    }

    #[test]
    fn a_line_is_added_at_the_end_of_its_block() {
        let text = "enum A {\n    X { y: u8 },\n}\nfn f() {\n    match a {\n        1 => {\n        }\n    }\n}\n";
        assert!(
            before_end_of(text, "enum A {", "    Y,").unwrap().starts_with("enum A {\n    X { y: u8 },\n    Y,\n}\n")
        );
        assert!(before_end_of(text, "match a {", "        2").unwrap().ends_with("        }\n        2\n    }\n}\n"));
        assert_eq!(before_end_of(text, "match b {", "2"), None);
    }
}
