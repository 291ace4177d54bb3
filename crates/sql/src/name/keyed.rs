//! Tables of `pgproof.toml` whose keys are names of objects, as in `[rows."audit.log"]`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::QualifiedName;

/// A map by name. A key that is no name, or that is the name of another key, is an error.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Planned {
///     #[serde(deserialize_with = "pgproof_sql::keyed_by_name")]
///     rows: std::collections::BTreeMap<pgproof_sql::QualifiedName, u64>,
/// }
/// ```
pub fn keyed_by_name<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<QualifiedName, V>, D::Error> {
    deserializer.deserialize_map(Keyed(PhantomData))
}

struct Keyed<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Keyed<V> {
    type Value = BTreeMap<QualifiedName, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table whose keys are names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = BTreeMap::new();
        while let Some((Written(name), value)) = map.next_entry::<Written, V>()? {
            if found.contains_key(&name) {
                return Err(A::Error::custom(format!("{name} is named twice")));
            }
            found.insert(name, value);
        }
        Ok(found)
    }
}

/// A name as it is written. It is read by itself, so that an error has its place.
struct Written(QualifiedName);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        String::deserialize(deserializer)?.parse().map(Written).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<QualifiedName, u64>, String> {
        let document = toml::Deserializer::parse(text).map_err(|error| error.to_string())?;
        keyed_by_name(document).map_err(|error| error.to_string())
    }

    #[test]
    fn names_may_be_quoted_and_have_a_schema() {
        let found = read("orders = 1\n\"audit.log\" = 2\n'\"Order.Items\"' = 3\n").expect("names");
        assert_eq!(found[&QualifiedName::unqualified("orders")], 1);
        assert_eq!(found[&QualifiedName::in_schema("audit", "log")], 2);
        assert_eq!(found[&QualifiedName::unqualified("Order.Items")], 3);
    }

    #[test]
    fn what_is_no_name_or_named_twice_is_an_error() {
        let error = read("a = 1\n\"a.b.c\" = 2\n").expect_err("three parts");
        assert!(error.contains("line 2") && error.contains("has 3 parts and at most 2 are possible"), "{error}");
        let error = read("orders = 1\n'\"orders\"' = 2\n").expect_err("twice");
        assert!(error.contains("orders is named twice"), "{error}");
    }
}
