//! The syntax tree of one statement. The parser, and dropping a tree, recurse as deep as a statement is nested, and a
//! stack that overflows ends the process: what is nested deeper than [`DEEPEST`] has no tree. Whoever reads a tree does
//! without one then.

use std::panic::resume_unwind;
use std::thread;

use squawk_lexer::{TokenKind, tokenize};
use squawk_syntax::SourceFile;

/// How deep a statement may be nested. An expression counts as deep as it has tokens, except between the commas of a
/// list, because a tree leans to one side: `a + b + c` is as deep as `((a) + b) + c`.
pub const DEEPEST: usize = 3000;

/// What is surely parsed within the stack of any thread.
const SHALLOW: usize = 200;

/// The stack for anything deeper; only what is used of it takes memory.
const STACK: usize = 512 << 20;

/// What `read` makes of the tree of this text; `None` if it is nested too deep for one.
pub fn with_tree<T: Send>(text: &str, read: impl FnOnce(&SourceFile) -> T + Send) -> Option<T> {
    let parsed = || {
        let file = SourceFile::parse(text).tree();
        read(&file)
    };
    let depth = depth(text);
    if depth > DEEPEST {
        return None;
    }
    if depth <= SHALLOW {
        return Some(parsed());
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parsed).ok()?;
        Some(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Whether the parser finds no error in it; false of what has no tree.
pub fn is_valid(text: &str) -> bool {
    with_tree(text, |_| SourceFile::parse(text).errors().is_empty()) == Some(true)
}

/// An upper bound on how deep the tree of a text is.
fn depth(text: &str) -> usize {
    let (mut runs, mut run, mut sum, mut most) = (Vec::new(), 0_usize, 0_usize, 0_usize);
    for token in tokenize(text) {
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => continue,
            TokenKind::Comma | TokenKind::Semi => {
                sum -= run;
                run = 0;
            }
            TokenKind::OpenParen | TokenKind::OpenBracket => {
                runs.push(run + 1);
                sum += 1;
                run = 0;
            }
            TokenKind::CloseParen | TokenKind::CloseBracket => {
                sum -= run;
                run = runs.pop().unwrap_or_default();
            }
            _ => {
                run += 1;
                sum += 1;
            }
        }
        most = most.max(sum);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use squawk_syntax::ast::AstNode;

    #[test]
    fn depth_is_bounded_by_tokens_between_commas() {
        assert_eq!(depth("SELECT 1, (2, 3), 4"), 2);
        assert_eq!(depth("a + b + c"), 5);
        assert_eq!(depth(&format!("VALUES {}(1)", "(1, 'a'), ".repeat(10_000))), 3);
        assert!(depth(&"(".repeat(20_000)) > DEEPEST && depth(&")".repeat(20_000)) == 0);
    }

    #[test]
    fn anything_is_read_or_has_no_tree() {
        let deepest = DEEPEST - 10;
        for text in [
            format!("SELECT {}1{}", "(".repeat(deepest), ")".repeat(deepest)),
            format!("SELECT {}", "(".repeat(deepest)),
            format!("SELECT {}", "[".repeat(deepest)),
            format!("SELECT {}1", "- ".repeat(deepest)),
            format!("SELECT {}true", "NOT ".repeat(deepest)),
            format!("SELECT 1{}", " + 1".repeat(deepest / 2)),
            format!("SELECT 1{}", "::int".repeat(deepest / 3)),
            format!("SELECT a{}", "[1]".repeat(deepest / 2)),
            format!("SELECT 1{}", " UNION SELECT 1".repeat(deepest / 3)),
            format!("SELECT {}", "CASE WHEN ".repeat(deepest / 2)),
            format!("SELECT * FROM t{}", " JOIN t ON true".repeat(deepest / 4)),
            format!("CREATE FUNCTION f() RETURNS int {}", "BEGIN ATOMIC ".repeat(deepest / 2)),
        ] {
            // In a thread of a test, whose stack is small.
            assert!(with_tree(&text, |file| file.syntax().text().len()).is_some(), "{}", &text[..40]);
            is_valid(&text);
        }
        let deeper = format!("SELECT {}1{}", "(".repeat(DEEPEST), ")".repeat(DEEPEST));
        assert!(with_tree(&deeper, |_| ()).is_none() && !is_valid(&deeper));
    }
}
