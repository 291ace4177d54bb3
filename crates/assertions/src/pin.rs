//! What an assertion pins: the properties of objects in which it would detect a change, and how reliably.

use pgproof_sql::{ObjectId, Property};

pub use pgproof_runner::evidence::Firmness;

/// A property of an object that an assertion pins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Pin {
    /// The object.
    pub object: ObjectId,
    /// The property.
    pub property: Property,
    /// How reliably.
    pub firmness: Firmness,
}

impl Pin {
    /// A property that the assertion reads from the catalog.
    pub fn looked_at(object: ObjectId, property: Property) -> Pin {
        Pin { object, property, firmness: Firmness::LookedAt }
    }

    /// A property that the assertion tests in one direction: something is accepted, or something is rejected.
    pub fn acted_out(object: ObjectId, property: Property) -> Pin {
        Pin { object, property, firmness: Firmness::ActedOutOneWay }
    }

    /// A property that the assertion tests in both directions: something is accepted, and something is rejected.
    pub fn acted_out_both_ways(object: ObjectId, property: Property) -> Pin {
        Pin { object, property, firmness: Firmness::ActedOutBothWays }
    }
}

/// Several properties of one object, each read from the catalog.
pub fn looked_at(object: &ObjectId, properties: &[Property]) -> Vec<Pin> {
    properties.iter().map(|property| Pin::looked_at(object.clone(), *property)).collect()
}
