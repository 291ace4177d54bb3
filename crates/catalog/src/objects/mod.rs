//! Every object of a database with every property that a migration can give it, as PostgreSQL prints the value. Two such
//! sets are compared object by object, whatever the OIDs and the order in which things were made.

mod diff;
mod read;

use std::collections::BTreeMap;

use pgproof_sql::{ObjectId, Property};
use sha2::{Digest, Sha256};

pub use diff::Difference;

/// All objects of a database, roles and databases themselves left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Objects {
    objects: BTreeMap<ObjectId, Described>,
}

/// An object with its properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// The object without which this one is not there.
    pub parent: Option<ObjectId>,
    /// Its properties; one that it does not have is left out.
    pub properties: BTreeMap<Property, String>,
}

impl Objects {
    /// The objects in the order of their identities.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, &Described)> {
        self.objects.iter()
    }

    /// Whether there is this object.
    pub fn contains(&self, object: &ObjectId) -> bool {
        self.objects.contains_key(object)
    }

    /// The value of a property, if the object is there and has it.
    pub fn property(&self, object: &ObjectId, property: Property) -> Option<&str> {
        self.objects.get(object)?.properties.get(&property).map(String::as_str)
    }

    /// A digest: equal for equal schemas. Where columns stand does not count.
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

    /// What differs here from `before`, object by object.
    pub fn differences_from(&self, before: &Objects) -> Vec<Difference> {
        diff::between(before, self)
    }
}
