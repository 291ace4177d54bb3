//! Patterns of objects, as written in `pgproof.toml`: `extension pgcrypto`, `column shop.orders.*`, `policy
//! *.own_rows`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::id::ObjectId;
use super::kind::ObjectKind;
use super::nearest::nearest;
use crate::name::{Identifier, NameError, QualifiedName, parts};

/// Objects of one kind, by name; `*` matches any text within a part of the name. The schema defaults to `public`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPattern {
    text: String,
    kind: ObjectKind,
    schema: Option<String>,
    relation: Option<String>,
    name: String,
    arguments: Option<String>,
}

/// Why a text is not a valid object pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// It does not begin with a kind.
    #[error("{text:?} does not begin with a kind of object{}", .nearest.map(|kind| format!("; did you mean {:?}?", kind.name())).unwrap_or_default())]
    Kind {
        /// The text.
        text: String,
        /// The kind most likely intended.
        nearest: Option<ObjectKind>,
    },
    /// The name is missing or has too many parts.
    #[error("{text:?} names no {kind}; write {}", form(*.kind))]
    Form {
        /// The text.
        text: String,
        /// The kind.
        kind: ObjectKind,
    },
    /// The name is malformed.
    #[error(transparent)]
    Name(#[from] NameError),
}

fn form(kind: ObjectKind) -> String {
    match (kind.is_in_schema(), kind.belongs_to_relation(), kind.has_arguments()) {
        (_, true, _) => format!("{kind} TABLE.NAME or {kind} SCHEMA.TABLE.NAME"),
        (_, _, true) => format!("{kind} NAME(TYPES) or {kind} SCHEMA.NAME(TYPES)"),
        (true, ..) => format!("{kind} NAME or {kind} SCHEMA.NAME"),
        (false, ..) => format!("{kind} NAME"),
    }
}

impl ObjectPattern {
    /// The object of exactly this name, in `public` if it names no schema; `*` stands for itself.
    pub fn named(&self) -> ObjectId {
        let schema = self.schema.as_deref().unwrap_or("public");
        match &self.relation {
            _ if !self.kind.is_in_schema() => ObjectId::global(self.kind, &self.name),
            Some(relation) => {
                ObjectId::of(self.kind, &QualifiedName::in_schema(schema, relation), Identifier::new(&self.name))
            }
            None if self.kind.has_arguments() => {
                let arguments = self.arguments.clone().unwrap_or_default();
                ObjectId::function(self.kind, QualifiedName::in_schema(schema, &self.name), arguments)
            }
            None => ObjectId::new(self.kind, QualifiedName::in_schema(schema, &self.name)),
        }
    }

    /// Whether it matches this object.
    pub fn matches(&self, object: &ObjectId) -> bool {
        let part = |pattern: &Option<String>, part: Option<&str>| match (pattern, part) {
            (Some(pattern), Some(part)) => is_like(part, pattern),
            (None, None) => true,
            (pattern, part) => pattern.as_deref() == Some("*") || part.is_none_or(|part| part == "public"),
        };
        let relation = object.relation();
        object.kind() == self.kind
            && part(&self.schema, object.schema().map(Identifier::as_str))
            && match (&self.relation, &relation) {
                (Some(pattern), Some(relation)) => is_like(relation.name().as_str(), pattern),
                (None, None) => true,
                _ => false,
            }
            && is_like(object.name().as_str(), &self.name)
            && self.arguments.as_ref().is_none_or(|types| is_like(object.arguments().unwrap_or_default(), types))
    }
}

impl FromStr for ObjectPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<ObjectPattern, PatternError> {
        let kinds = || ObjectKind::ALL.into_iter();
        let begins = |kind: &ObjectKind| text.strip_prefix(kind.name()).is_some_and(|rest| rest.starts_with(' '));
        let Some(kind) = kinds().filter(begins).max_by_key(|kind| kind.name().len()) else {
            let word = text.split(' ').next().unwrap_or_default();
            let nearest = nearest(word, kinds().map(ObjectKind::name)).and_then(|name| name.parse().ok());
            return Err(PatternError::Kind { text: text.to_owned(), nearest });
        };
        let wrong = || PatternError::Form { text: text.to_owned(), kind };
        let rest = text[kind.name().len()..].trim();
        let (name, arguments) = match rest.split_once('(').filter(|_| kind.has_arguments()) {
            Some((name, types)) => (name, Some(types.strip_suffix(')').ok_or_else(wrong)?.to_owned())),
            None => (rest, None),
        };
        if name.is_empty() {
            return Err(wrong());
        }
        let mut pattern =
            ObjectPattern { text: text.to_owned(), kind, schema: None, relation: None, name: String::new(), arguments };
        if !kind.is_in_schema() {
            name.clone_into(&mut pattern.name);
            return Ok(pattern);
        }
        let mut found: Vec<String> = parts(name)?.into_iter().map(String::from).collect();
        pattern.name = found.pop().unwrap_or_default();
        if kind.belongs_to_relation() {
            pattern.relation = Some(found.pop().ok_or_else(wrong)?);
        }
        pattern.schema = found.pop();
        if found.is_empty() { Ok(pattern) } else { Err(wrong()) }
    }
}

impl fmt::Display for ObjectPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ObjectPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ObjectPattern, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether a text matches a pattern in which `*` stands for any text.
pub fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => text == pattern,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| is_like(&text[at..], rest))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> ObjectPattern {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(is_like("jobs_pkey", "*_pkey") && is_like("jobs_pkey", "*") && is_like("jobs_pkey", "jobs*key"));
        assert!(!is_like("jobs_key", "*_pkey") && !is_like("jobs_pkey", "jobs") && !is_like("a", "a*b"));
    }

    #[test]
    fn a_pattern_matches_by_kind_and_part() {
        let total = ObjectId::column(&QualifiedName::in_schema("shop", "orders"), "total");
        for (text, matches) in [
            ("column shop.orders.total", true),
            ("column shop.orders.*", true),
            ("column *.*.total", true),
            ("column orders.total", false),
            ("constraint shop.orders.total", false),
        ] {
            assert_eq!(pattern(text).matches(&total), matches, "{text}");
        }
        assert!(pattern("column orders.total").matches(&ObjectId::column(&"public.orders".into(), "total")));
        let function = ObjectId::function(ObjectKind::Function, "shop.total", "integer");
        assert!(
            pattern("function shop.total(integer)").matches(&function)
                && pattern("function shop.total").matches(&function)
        );
        assert!(!pattern("function shop.total(text)").matches(&function));
        let quoted = ObjectId::table(QualifiedName::in_schema("public", "Order.Items"));
        assert!(pattern("table \"Order.Items\"").matches(&quoted));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_what_to_write() {
        for (text, message) in [
            (
                "extention pgcrypto",
                "\"extention pgcrypto\" does not begin with a kind of object; did you mean \"extension\"?",
            ),
            ("column total", "\"column total\" names no column; write column TABLE.NAME or column SCHEMA.TABLE.NAME"),
            (
                "function total(integer",
                "\"function total(integer\" names no function; write function NAME(TYPES) or function SCHEMA.NAME(TYPES)",
            ),
            ("table a..b", "\"a..b\" has an empty part; write NAME or SCHEMA.NAME"),
        ] {
            assert_eq!(text.parse::<ObjectPattern>().expect_err(text).to_string(), message);
        }
    }
}
