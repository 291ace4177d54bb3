//! The name of a new module, in the notations that files, types and commands need.

use std::fmt;
use std::str::FromStr;

/// A name in snake_case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// Words that name no module: Rust's keywords.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else enum extern false final \
     fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static struct super trait \
     true try type typeof unsafe unsized use virtual where while yield";

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Name, String> {
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if !text.split('_').all(is_word) {
            return Err("expected snake_case: lower-case words, joined by _".to_owned());
        }
        if text == "skeleton" || KEYWORDS.split_whitespace().any(|word| word == text) {
            return Err("no module can have this name".to_owned());
        }
        Ok(Name(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Name {
    /// As a module: `fill_factor`.
    pub(crate) fn snake(&self) -> &str {
        &self.0
    }

    /// As a command: `fill-factor`.
    pub(crate) fn kebab(&self) -> String {
        self.0.replace('_', "-")
    }

    /// As a type: `FillFactor`.
    pub(crate) fn camel(&self) -> String {
        let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.0.split('_').map(word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_three_notations() {
        let name: Name = "fill_factor2".parse().unwrap();
        assert_eq!((name.snake(), &*name.kebab(), &*name.camel()), ("fill_factor2", "fill-factor2", "FillFactor2"));
    }

    #[test]
    fn other_notations_are_rejected() {
        for wrong in ["", "FillFactor", "fill-factor", "_fill", "fill_", "fill__factor", "2fill", "fill_2", "a/b", "é"]
        {
            assert!(wrong.parse::<Name>().unwrap_err().starts_with("expected snake_case"), "{wrong:?}");
        }
        for wrong in ["match", "skeleton"] {
            assert_eq!(wrong.parse::<Name>(), Err("no module can have this name".to_owned()));
        }
    }
}
