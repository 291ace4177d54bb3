//! What an assertion pins: the properties of objects that it would notice a change of, and how firmly.

use pgproof_sql::{ObjectId, Property};

pub use pgproof_runner::evidence::Firmness;

/// A property of an object that an assertion holds in place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Pin {
    /// The object.
    pub object: ObjectId,
    /// The property.
    pub property: Property,
    /// How firmly.
    pub firmness: Firmness,
}

impl Pin {
    /// A property that the assertion reads from the catalog.
    pub fn looked_at(object: ObjectId, property: Property) -> Pin {
        Pin { object, property, firmness: Firmness::LookedAt }
    }

    /// A property that the assertion acts out: something that it allows is done, or something that it forbids.
    pub fn acted_out(object: ObjectId, property: Property) -> Pin {
        Pin { object, property, firmness: Firmness::ActedOutOneWay }
    }

    /// A property that the assertion acts out both ways: something is accepted, and something is rejected.
    pub fn acted_out_both_ways(object: ObjectId, property: Property) -> Pin {
        Pin { object, property, firmness: Firmness::ActedOutBothWays }
    }
}

/// Several properties of one object, each read from the catalog.
pub fn looked_at(object: &ObjectId, properties: &[Property]) -> Vec<Pin> {
    properties.iter().map(|property| Pin::looked_at(object.clone(), *property)).collect()
}
