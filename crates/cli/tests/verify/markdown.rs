//! The code in this repository's pages: blocks and spans, each with the place it stands at.

use crate::project::workspace;

/// A page.
pub struct Page {
    /// Its path in the repository.
    pub name: String,
    pub text: String,
}

/// A block of code.
pub struct Block {
    /// File and line.
    pub place: String,
    /// The nearest line above that is not empty.
    pub above: String,
    pub text: String,
}

/// The README, the page on security, and all of `docs/`.
pub fn pages() -> Vec<Page> {
    let docs = std::fs::read_dir(workspace().join("docs")).expect("docs");
    let docs = docs.map(|entry| format!("docs/{}", entry.expect("an entry").file_name().to_string_lossy()));
    let mut names: Vec<String> = ["README.md", "SECURITY.md"].map(str::to_owned).into_iter().chain(docs).collect();
    names.sort();
    names.iter().map(|name| page(name)).collect()
}

/// One page.
pub fn page(name: &str) -> Page {
    let text = std::fs::read_to_string(workspace().join(name)).expect("a page");
    Page { name: name.to_owned(), text }
}

impl Page {
    /// Its blocks of code, fenced or indented.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let (mut fenced, mut indented) = (false, false);
        let mut above = "";
        for (number, line) in self.text.lines().enumerate() {
            let block = || Block {
                place: format!("{}:{}", self.name, number + 1),
                above: above.to_owned(),
                text: String::new(),
            };
            let content = if line.starts_with("```") {
                fenced = !fenced;
                indented = false;
                blocks.extend(fenced.then(block));
                continue;
            } else if fenced {
                Some(line)
            } else {
                let was = indented;
                indented = line.starts_with("    ") || (was && line.is_empty());
                blocks.extend((indented && !was).then(block));
                indented.then(|| line.strip_prefix("    ").unwrap_or_default())
            };
            match (content, blocks.last_mut()) {
                (Some(content), Some(block)) => block.text.extend([content, "\n"]),
                _ if line.is_empty() => {}
                _ => above = line,
            }
        }
        blocks
    }

    /// The first block that contains this text.
    #[track_caller]
    pub fn block(&self, text: &str) -> String {
        let found = self.blocks().into_iter().find(|block| block.text.contains(text));
        found.unwrap_or_else(|| panic!("{} has no block with {text:?}", self.name)).text
    }

    /// Its spans of code, each with its place. A span may begin on one line and end on the next.
    pub fn spans(&self) -> Vec<(String, String)> {
        let mut spans = Vec::new();
        let mut open: Option<(String, String)> = None;
        let mut fenced = false;
        for (number, line) in self.text.lines().enumerate() {
            if line.starts_with("```") {
                fenced = !fenced;
            } else if !fenced && !line.starts_with("    ") {
                for (part, text) in line.split('`').enumerate() {
                    if part > 0 {
                        let new = Some((format!("{}:{}", self.name, number + 1), String::new()));
                        let ended = open.take();
                        open = if ended.is_none() { new } else { None };
                        spans.extend(ended);
                    }
                    if let Some((_, span)) = &mut open {
                        span.extend(if span.is_empty() { [text, ""] } else { [" ", text] });
                    }
                }
            }
        }
        spans
    }
}
