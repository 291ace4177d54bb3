//! A name with its schema, if one is given.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::identifier::{Identifier, NameError, parts};

/// `NAME`, or `SCHEMA.NAME`.
///
/// ```
/// use pgproof_sql::QualifiedName;
///
/// let name: QualifiedName = "shop.\"Order.Items\"".parse()?;
/// assert_eq!(name.name(), "Order.Items");
/// assert_eq!(name.sql(), "\"shop\".\"Order.Items\"");
/// # Ok::<(), pgproof_sql::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QualifiedName {
    schema: Option<Identifier>,
    name: Identifier,
}

impl QualifiedName {
    /// A name that is resolved through the search path.
    pub fn unqualified(name: impl Into<Identifier>) -> QualifiedName {
        QualifiedName { schema: None, name: name.into() }
    }

    /// A name in a schema, both as PostgreSQL stores them.
    pub fn in_schema(schema: &str, name: &str) -> QualifiedName {
        QualifiedName { schema: Some(Identifier::new(schema)), name: Identifier::new(name) }
    }

    /// The schema, if one is given.
    pub fn schema(&self) -> Option<&Identifier> {
        self.schema.as_ref()
    }

    /// The name itself.
    pub fn name(&self) -> &Identifier {
        &self.name
    }

    /// As SQL, with every part quoted.
    pub fn sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", schema.sql(), self.name.sql()),
            None => self.name.sql(),
        }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

impl FromStr for QualifiedName {
    type Err = NameError;

    /// Parses a name whose parts are written as PostgreSQL stores them; a part that contains a dot is quoted.
    fn from_str(text: &str) -> Result<QualifiedName, NameError> {
        let found = parts(text)?;
        match <[Identifier; 2]>::try_from(found) {
            Ok([schema, name]) => Ok(QualifiedName { schema: Some(schema), name }),
            Err(mut parts) => match (parts.len(), parts.pop()) {
                (1, Some(name)) => Ok(QualifiedName { schema: None, name }),
                (found, _) => Err(NameError::Parts { text: text.to_owned(), found, most: 2 }),
            },
        }
    }
}

impl From<&str> for QualifiedName {
    /// Parses like [`FromStr`]. A text that is not a valid name is kept unchanged: no object has that name, so looking
    /// it up reports the error.
    fn from(text: &str) -> QualifiedName {
        text.parse().unwrap_or_else(|_| QualifiedName { schema: None, name: Identifier::new(text) })
    }
}

impl From<String> for QualifiedName {
    fn from(text: String) -> QualifiedName {
        QualifiedName::from(text.as_str())
    }
}

impl From<&String> for QualifiedName {
    fn from(text: &String) -> QualifiedName {
        QualifiedName::from(text.as_str())
    }
}

impl From<&QualifiedName> for QualifiedName {
    fn from(name: &QualifiedName) -> QualifiedName {
        name.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dots_inside_quotes_do_not_split() {
        let name: QualifiedName = "\"a.b\".\"c\"\"d\"".parse().expect("a name");
        assert_eq!((name.schema().map(Identifier::as_str), name.name().as_str()), (Some("a.b"), "c\"d"));
        let name: QualifiedName = "Orders".parse().expect("a name");
        assert_eq!((name.schema(), name.name().as_str()), (None, "Orders"));
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        for (text, message) in [
            ("a.b.c", "\"a.b.c\" has 3 parts and at most 2 are possible; quote a part that holds a dot"),
            ("a.", "\"a.\" has an empty part; write NAME or SCHEMA.NAME"),
            ("\"a", "\"\\\"a\" has a quote out of place; quote a whole part, and write a quote within it twice"),
        ] {
            assert_eq!(text.parse::<QualifiedName>().expect_err(text).to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back(schema in ".{1,8}", name in ".{1,8}") {
            let wanted = QualifiedName::in_schema(&schema, &name);
            prop_assert_eq!(wanted.to_string().parse::<QualifiedName>(), Ok(wanted));
        }
    }
}
