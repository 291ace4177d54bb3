//! A plan as the lines of a snapshot, and back: what is read from an accepted snapshot is nodes again, so that nothing
//! is concluded from the wording of its lines.

use std::borrow::Cow;

use super::node::{Node, labels};

/// Separates the parts of a node's line.
const INDEX: &str = " using ";
const RELATION: &str = " on ";
const ROLE: &str = ": ";

impl Node {
    /// The tree: one node per line, its details below it, its inputs indented.
    pub fn render(&self) -> String {
        let mut text = String::new();
        self.render_into(&mut text, 0);
        text.truncate(text.trim_end().len());
        text
    }

    /// The node's own line.
    pub fn headline(&self) -> String {
        let mut line = self.kind.clone();
        for (before, name) in [(INDEX, &self.index), (RELATION, &self.relation), (" ", &self.alias)] {
            if let Some(name) = name {
                line.push_str(before);
                line.push_str(&quoted(name));
            }
        }
        line
    }

    fn render_into(&self, text: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let role = self.role.as_ref().map(|role| format!("{role}{ROLE}")).unwrap_or_default();
        text.push_str(&format!("{indent}{role}{}\n", self.headline()));
        for (label, detail) in &self.details {
            text.push_str(&format!("{indent}    {label}: {}\n", detail.replace('\\', "\\\\").replace('\n', "\\n")));
        }
        for input in &self.inputs {
            input.render_into(text, depth + 1);
        }
    }

    /// Reads what [`Node::render`] wrote, however far it is indented; `None` if the text is no plan.
    pub fn parse(text: &str) -> Option<Node> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
        let first = indent(lines.peek()?);
        let mut lines: Vec<(usize, Line)> = lines
            .map(|line| Some(((indent(line).checked_sub(first)?) / 2, Line::parse(line.trim()))))
            .collect::<Option<_>>()?;
        lines.reverse();
        let plan = tree(&mut lines, 0)?;
        lines.is_empty().then_some(plan)
    }
}

/// A line of a rendered plan.
enum Line {
    Node(Node),
    Detail(&'static str, String),
}

impl Line {
    fn parse(line: &str) -> Line {
        let detail = labels().find_map(|label| Some((label, line.strip_prefix(label)?.strip_prefix(": ")?)));
        match detail {
            Some((label, detail)) => Line::Detail(label, unescaped(detail)),
            None => Line::Node(headline(line)),
        }
    }
}

/// The node at this depth whose line comes next (the lines are in reverse order), with its details and inputs.
fn tree(lines: &mut Vec<(usize, Line)>, depth: usize) -> Option<Node> {
    let Some((_, Line::Node(mut node))) = lines.pop_if(|(at, line)| *at == depth && matches!(line, Line::Node(_)))
    else {
        return None;
    };
    while let Some((_, Line::Detail(label, detail))) = lines.pop_if(|(_, line)| matches!(line, Line::Detail(..))) {
        node.details.push((label, detail));
    }
    while let Some(input) = tree(lines, depth + 1) {
        node.inputs.push(input);
    }
    Some(node)
}

/// A node from its own line.
fn headline(line: &str) -> Node {
    let (role, rest) = match line.split_once(ROLE) {
        Some((role, rest)) if !role.contains('"') => (Some(role.to_owned()), rest),
        _ => (None, line),
    };
    let (kind, names) = [INDEX, RELATION, "Scan ", "Backward "]
        .iter()
        .filter_map(|before| {
            let at = rest.find(before)?;
            // The name of a scan without a relation follows its kind; a variant in parentheses belongs to the kind.
            let end = if before.starts_with(' ') { at } else { at + before.len() - 1 };
            let follows = &rest[end + 1..];
            let is_name = before.starts_with(' ') || !["Backward", "("].iter().any(|kind| follows.starts_with(kind));
            is_name.then_some((end, follows))
        })
        .min_by_key(|(end, _)| *end)
        .map_or((rest, ""), |(end, _)| (&rest[..end], &rest[end..]));
    let mut node = Node { kind: kind.to_owned(), role, ..Node::default() };
    let mut words = words(names).into_iter();
    while let Some((word, is_quoted)) = words.next() {
        match word.as_str() {
            "using" if !is_quoted => node.index = words.next().map(|(name, _)| name),
            "on" if !is_quoted => node.relation = words.next().map(|(name, _)| name),
            _ => node.alias = Some(word),
        }
    }
    node
}

/// A name, in quotes if a reader of the line could not tell where it ends.
fn quoted(name: &str) -> Cow<'_, str> {
    let is_plain = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '"' || c == ':');
    if is_plain && name != "using" && name != "on" {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

/// The words of a text, and whether each was in quotes; what is in quotes is one word.
fn words(text: &str) -> Vec<(String, bool)> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = if let Some(inside) = rest.strip_prefix('"') {
            until_quote(inside)
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        words.push((word, rest.starts_with('"')));
        rest = after.trim_start();
    }
    words
}

/// The text before the closing quote, and what follows it.
fn until_quote(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        word.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                word.push('"');
                rest = more;
            }
            None => return (word, after),
        }
    }
    (word + rest, "")
}

fn unescaped(detail: &str) -> String {
    let mut text = String::new();
    let mut chars = detail.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(if chars.next() == Some('n') { '\n' } else { '\\' }),
            c => text.push(c),
        }
    }
    text
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = Option<String>> {
        proptest::option::of("[a-z_*]{1,6}|[a-zA-Z .:\"é]{1,9}|on|using")
    }

    fn node() -> impl Strategy<Value = Node> {
        let kind = proptest::sample::select(vec![
            "Seq Scan",
            "Index Scan",
            "Index Only Scan Backward",
            "Sort",
            "Hash Join (Left)",
            "Aggregate (Hashed)",
            "CTE Scan",
            "Nested Loop",
            "Function Scan",
            "Bitmap Index Scan",
            "Index Scan Backward",
        ]);
        let role = proptest::option::of("InitPlan [1-9]|CTE [a-z]{1,5}|SubPlan [1-9]");
        let details =
            proptest::collection::vec((proptest::sample::select(labels().collect::<Vec<_>>()), "[ -~\n]{1,20}"), 0..3);
        let leaf =
            (kind, name(), name(), name(), role, details).prop_map(|(kind, index, relation, alias, role, details)| {
                // Only a scan has names; details are never blank at their ends.
                let of_scan = |name: Option<String>| name.filter(|_| kind.contains("Scan"));
                let details = details.into_iter().map(|(label, detail)| (label, format!("({detail})"))).collect();
                Node {
                    kind: kind.to_owned(),
                    index: of_scan(index),
                    relation: of_scan(relation),
                    alias: of_scan(alias),
                    role,
                    details,
                    inputs: Vec::new(),
                }
            });
        leaf.prop_recursive(3, 12, 3, |inner| {
            (inner.clone(), proptest::collection::vec(inner, 0..3)).prop_map(|(node, inputs)| Node { inputs, ..node })
        })
    }

    proptest! {
        #[test]
        fn a_rendered_plan_is_read_as_it_was(plan in node(), depth in 0_usize..4) {
            let indent = " ".repeat(depth);
            let text: Vec<_> = plan.render().lines().map(|line| format!("{indent}{line}")).collect();
            prop_assert_eq!(Node::parse(&text.join("\n")), Some(plan));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "(?s).{0,80}") {
            let _ = Node::parse(&text);
        }
    }

    #[test]
    fn a_text_that_is_no_plan_is_not_read() {
        assert_eq!(Node::parse("Sort\n      Seq Scan on t"), None);
        assert_eq!(Node::parse(""), None);
    }
}
