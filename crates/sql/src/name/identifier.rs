//! An identifier as PostgreSQL stores it (documentation, "Identifiers and Key Words"): without quotes, and folded if it
//! was written without them.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quote;

/// A name as PostgreSQL stores it. `Display` quotes it only where a reader needs quotes; the SQL form always does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identifier(String);

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A part of it is empty.
    #[error("{text:?} has an empty part; write NAME or SCHEMA.NAME")]
    Empty {
        /// The text.
        text: String,
    },
    /// A quote is not closed, or text follows the closing quote.
    #[error("{text:?} has a quote out of place; quote a whole part, and write a quote within it twice")]
    Quote {
        /// The text.
        text: String,
    },
    /// It has more parts than this kind of name allows.
    #[error("{text:?} has {found} parts and at most {most} are possible; quote a part that holds a dot")]
    Parts {
        /// The text.
        text: String,
        /// How many parts it has.
        found: usize,
        /// How many parts it may have.
        most: usize,
    },
}

impl Identifier {
    /// A name as PostgreSQL stores it.
    pub fn new(stored: impl Into<String>) -> Identifier {
        Identifier(stored.into())
    }

    /// The name denoted by SQL text: folded to lower case unless it is quoted (`U&"…"` is not decoded).
    pub fn folded(sql: &str) -> Identifier {
        match sql.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => Identifier(quoted.replace("\"\"", "\"")),
            None => Identifier(sql.trim().to_lowercase()),
        }
    }

    /// The name as PostgreSQL stores it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as SQL: always quoted, so that it is never read as a key word.
    pub fn sql(&self) -> String {
        quote::identifier(&self.0)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Upper case needs no quotes to be understood; a dot or a blank does.
        let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            f.write_str(&self.0)
        } else {
            write!(f, "\"{}\"", self.0.replace('"', "\"\""))
        }
    }
}

impl Borrow<str> for Identifier {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Identifier {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Identifier {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Identifier {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Identifier {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl From<&str> for Identifier {
    /// The name as PostgreSQL stores it; if quoted, the text within the quotes.
    fn from(text: &str) -> Identifier {
        match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) if text.len() > 2 => Identifier(quoted.replace("\"\"", "\"")),
            _ => Identifier(text.to_owned()),
        }
    }
}

impl From<String> for Identifier {
    fn from(text: String) -> Identifier {
        Identifier::from(text.as_str())
    }
}

impl From<&String> for Identifier {
    fn from(text: &String) -> Identifier {
        Identifier::from(text.as_str())
    }
}

impl From<&Identifier> for Identifier {
    fn from(name: &Identifier) -> Identifier {
        name.clone()
    }
}

impl From<Identifier> for String {
    fn from(name: Identifier) -> String {
        name.0
    }
}

/// The parts of a name, split at the dots outside quotes. Unquoted parts are kept as written.
pub(crate) fn parts(text: &str) -> Result<Vec<Identifier>, NameError> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let end = closing(quoted).ok_or_else(|| NameError::Quote { text: text.to_owned() })?;
            (quoted[..end].replace("\"\"", "\""), &quoted[end + 1..])
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            if rest[..end].contains('"') {
                return Err(NameError::Quote { text: text.to_owned() });
            }
            (rest[..end].to_owned(), &rest[end..])
        };
        if part.is_empty() {
            return Err(NameError::Empty { text: text.to_owned() });
        }
        found.push(Identifier(part));
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(found),
            None => return Err(NameError::Quote { text: text.to_owned() }),
        }
    }
}

/// The position of the closing quote of a quoted identifier.
fn closing(quoted: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + quoted[from..].find('"')?;
        if quoted[at + 1..].starts_with('"') {
            from = at + 2;
        } else {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_folds_what_is_not_quoted() {
        assert_eq!(Identifier::folded("Orders"), "orders");
        assert_eq!(Identifier::folded("\"Order\"\"s\""), "Order\"s");
    }

    #[test]
    fn quotes_are_shown_where_they_are_needed() {
        for (stored, shown) in
            [("orders", "orders"), ("userId", "userId"), ("Order.Items", "\"Order.Items\""), ("a b", "\"a b\"")]
        {
            assert_eq!(Identifier::new(stored).to_string(), shown);
        }
        assert_eq!(Identifier::new("select").sql(), "\"select\"");
    }
}
