//! Differences that are accepted, as `pgproof.toml` declares them: an object, and if need be the property or the kind of
//! change. `config` reads the rest.

use std::fmt;
use std::str::FromStr;

use pgproof_sql::{Change, ObjectId, ObjectPattern, Property, nearest};
use serde::{Deserialize, Deserializer};

/// Table `[[schemas.NAME.rerun.accepted]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AcceptedDifference {
    /// The objects.
    pub object: ObjectPattern,
    /// The property; any if there is none.
    #[serde(default, deserialize_with = "property")]
    pub property: Option<Property>,
    /// The kind of change; any if there is none.
    #[serde(default, deserialize_with = "change")]
    pub change: Option<Change>,
    /// Why it may be.
    pub reason: String,
}

impl AcceptedDifference {
    /// Whether it accepts this change of this object, and of its property where it is one.
    pub fn accepts(&self, object: &ObjectId, property: Option<Property>, change: Change) -> bool {
        self.object.matches(object)
            && (self.property.is_none() || self.property == property)
            && self.change.is_none_or(|accepted| accepted == change)
    }
}

impl fmt::Display for AcceptedDifference {
    /// As in `column orders.total: default, altered`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object)?;
        let parts = [self.property.map(Property::name), self.change.map(Change::name)];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() { Ok(()) } else { write!(f, ": {}", parts.join(", ")) }
    }
}

fn property<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Property>, D::Error> {
    named(deserializer, "property", Property::ALL.into_iter().map(Property::name))
}

fn change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Change>, D::Error> {
    named(deserializer, "change", Change::ALL.into_iter().map(Change::name))
}

/// A value by its name; an unknown one is an error with the nearest name.
fn named<'de, D: Deserializer<'de>, T: FromStr>(
    deserializer: D,
    what: &str,
    names: impl Iterator<Item = &'static str>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        let meant = nearest(&text, names).map(|name| format!("; did you mean {name:?}?"));
        serde::de::Error::custom(format!("there is no {what} {text:?}{}", meant.unwrap_or_default()))
    })
}
