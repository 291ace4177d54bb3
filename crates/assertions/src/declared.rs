//! Properties that a sentence need not mention. Unless it does, the object must have what PostgreSQL gives when nothing
//! is said, so that a fault in one of them is noticed.

use pgproof_catalog::Catalog;
use pgproof_sql::{ObjectId, Property};

use crate::assertion::Differences;
use crate::pin::Pin;

/// The expected values of some properties of one object; `None` if it must not have the property.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    values: Vec<(Property, Option<String>, bool)>,
}

impl Declared {
    /// What holds if nothing is said.
    pub(crate) fn unless_said(defaults: &[(Property, Option<&str>)]) -> Declared {
        let values = defaults.iter().map(|(property, value)| (*property, value.map(str::to_owned), false));
        Declared { values: values.collect() }
    }

    /// The sentence says this value.
    pub(crate) fn say(&mut self, property: Property, value: impl Into<String>) {
        self.values.retain(|(known, ..)| *known != property);
        self.values.push((property, Some(value.into()), true));
    }

    /// The sentence implies this value, unless it says another.
    pub(crate) fn say_quietly(&mut self, property: Property, value: &str) {
        if !self.values.iter().any(|(known, ..)| *known == property) {
            self.values.push((property, Some(value.to_owned()), false));
        }
    }

    /// What the sentence says, to be added to it.
    pub(crate) fn sentence(&self) -> String {
        let said = self.values.iter().filter(|(.., said)| *said);
        said.fold(String::new(), |text, (property, value, _)| {
            text + &format!(", {property} {}", value.as_deref().unwrap_or("none"))
        })
    }

    /// Compares the properties of an object of the catalog.
    pub(crate) fn compare(&self, catalog: &Catalog, object: &ObjectId, differences: &mut Differences) {
        for (property, expected, _) in &self.values {
            let text = |value: Option<&str>| value.unwrap_or("none").to_owned();
            let found = catalog.objects.property(object, *property);
            differences.compare(&format!("{property} of {object}"), text(found), text(expected.as_deref()));
        }
    }

    /// The pins of these properties.
    pub(crate) fn pins(&self, object: &ObjectId) -> impl Iterator<Item = Pin> {
        // ENFORCED can be changed from PostgreSQL 18 on; before, there is nothing to pin.
        let pinned =
            self.values.iter().map(|(property, ..)| *property).filter(|property| *property != Property::Enforced);
        pinned.map(|property| Pin::looked_at(object.clone(), property))
    }
}

/// When a constraint is checked (documentation, "CREATE TABLE", DEFERRABLE).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deferrable {
    /// At the end of each statement, unless SET CONSTRAINTS defers it.
    InitiallyImmediate,
    /// At the end of the transaction, unless SET CONSTRAINTS says otherwise.
    InitiallyDeferred,
}

impl Deferrable {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Deferrable::InitiallyImmediate => "initially immediate",
            Deferrable::InitiallyDeferred => "initially deferred",
        }
    }
}
