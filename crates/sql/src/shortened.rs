//! What is quoted from a user's files in a message: never more than a screen of it.

/// How many lines of somebody's text a message shows.
const MOST_LINES: usize = 20;

/// How many characters of it.
const MOST_CHARACTERS: usize = 1600;

/// A text for a message, cut if it is longer than a screen.
pub fn shortened(text: &str) -> String {
    let mut end = text.len();
    if let Some((at, _)) = text.match_indices('\n').nth(MOST_LINES - 1) {
        end = at;
    }
    if let Some((at, _)) = text.char_indices().nth(MOST_CHARACTERS) {
        end = end.min(at);
    }
    if end == text.len() { text.to_owned() } else { format!("{}… ({} bytes)", &text[..end], text.len()) }
}

/// A name or word for a message, on one line.
pub fn shortened_word(word: &str) -> String {
    const MOST: usize = 80;
    let line: String = word.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
    if word.chars().nth(MOST).is_some() { line + "…" } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_enough() {
        assert_eq!(shortened("a\nb"), "a\nb");
        assert_eq!(shortened(&"a\n".repeat(100)).lines().count(), MOST_LINES);
        assert!(shortened(&"ä".repeat(1 << 20)).starts_with(&format!("{}… (", "ä".repeat(MOST_CHARACTERS))));
        assert_eq!(shortened_word("x\ny"), "x y");
        assert_eq!(shortened_word(&"x".repeat(100)), format!("{}…", "x".repeat(80)));
    }
}
