//! What a refuted assertion points at in the migrations: an object, an inserted row, or a location.

use super::id::ObjectId;
use super::property::Property;
use crate::Origin;
use crate::name::QualifiedName;

/// Something that has a location in the migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An object.
    Object(ObjectId),
    /// An object, in these of its properties only.
    Properties(ObjectId, Vec<Property>),
    /// A row of a table, identified by some of its values in text form, by column.
    Row(QualifiedName, Vec<(String, String)>),
    /// A location that is already known.
    Place(Origin),
}

impl From<ObjectId> for Target {
    fn from(object: ObjectId) -> Target {
        Target::Object(object)
    }
}
