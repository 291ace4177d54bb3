//! Every object of a database with every property that a migration can set, as PostgreSQL prints the value. Two such
//! sets are compared object by object, regardless of OIDs and the order of creation.

mod diff;
mod given;
mod read;
mod serial;
mod touched;

use std::collections::BTreeMap;

use pgproof_sql::{ObjectId, Property};
use sha2::{Digest, Sha256};

pub use diff::Difference;
pub use given::{Given, OWNER, is_own, owner_of};
pub use touched::{Baseline, Touched};

/// All objects of a database, except roles and databases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Objects {
    objects: BTreeMap<ObjectId, Described>,
}

/// An object with its properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// The object on which its existence depends.
    pub parent: Option<ObjectId>,
    /// Its properties; those that do not apply are omitted.
    pub properties: BTreeMap<Property, String>,
}

impl Objects {
    /// The objects, ordered by identity.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, &Described)> {
        self.objects.iter()
    }

    /// Whether this object exists.
    pub fn contains(&self, object: &ObjectId) -> bool {
        self.objects.contains_key(object)
    }

    /// The properties of an object, if it exists.
    pub fn properties(&self, object: &ObjectId) -> Option<&BTreeMap<Property, String>> {
        Some(&self.objects.get(object)?.properties)
    }

    /// The value of a property, if the object exists and has it.
    pub fn property(&self, object: &ObjectId, property: Property) -> Option<&str> {
        self.objects.get(object)?.properties.get(&property).map(String::as_str)
    }

    /// Keeps the objects for which this holds.
    pub fn retain(&mut self, holds: impl Fn(&ObjectId, &Described) -> bool) {
        self.objects.retain(|object, described| holds(object, described));
    }

    /// Removes these properties from all objects.
    pub fn forget(&mut self, properties: &[Property]) {
        for described in self.objects.values_mut() {
            described.properties.retain(|property, _| !properties.contains(property));
        }
    }

    /// Adds an object, or a property to one.
    pub fn set(&mut self, object: ObjectId, property: Property, value: String) {
        self.objects.entry(object).or_default().properties.insert(property, value);
    }

    /// A digest: equal for equal schemas. The order of columns does not count.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for (object, described) in &self.objects {
            digest.update(format!("{object}\n"));
            for (property, value) in described.properties.iter().filter(|(p, _)| **p != Property::Position) {
                digest.update(format!("{property}\0{value}\0"));
            }
        }
        let bytes = digest.finalize();
        bytes.iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// The diff from `before`, object by object.
    pub fn differences_from(&self, before: &Objects) -> Vec<Difference> {
        diff::between(before, self)
    }
}
