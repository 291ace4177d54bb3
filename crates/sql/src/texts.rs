//! The texts within a statement: what a function or a DO block will send, as far as it is written out.

use squawk_lexer::{TokenKind, tokenize};

/// A statement's text and the texts in its quotes, which may be function bodies, recursively.
pub fn texts(text: &str) -> Vec<String> {
    let mut texts = vec![text.to_owned()];
    let mut at = 0;
    for token in tokenize(text) {
        let end = at + token.len as usize;
        if let TokenKind::Literal { .. } = token.kind {
            let quoted = &text[at..end];
            let body = quoted.trim_start_matches(|c: char| c != '$' && c != '\'').trim_matches('\'');
            let body = match body.strip_prefix('$').and_then(|rest| rest.split_once('$')) {
                Some((tag, rest)) => rest.strip_suffix(&format!("${tag}$")).unwrap_or(rest),
                None => body,
            };
            if body.contains(char::is_whitespace) {
                texts.extend(self::texts(body));
            }
        }
        at = end;
    }
    texts
}

/// The tokens of a text as they are spelled, without white space and comments.
pub(crate) fn spelled(text: &str) -> Vec<&str> {
    let mut spelled = Vec::new();
    let mut at = 0;
    for token in tokenize(text) {
        let end = at + token.len as usize;
        if !matches!(token.kind, TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. }) {
            spelled.push(&text[at..end]);
        }
        at = end;
    }
    spelled
}
