//! What a refuted assertion points at in the migrations: an object, a row that they insert, or a place.

use super::id::ObjectId;
use crate::Origin;
use crate::name::QualifiedName;

/// What has a place in the migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An object.
    Object(ObjectId),
    /// A row of a table, by some of its values in their text form.
    Row(QualifiedName, Vec<String>),
    /// A place that is known already.
    Place(Origin),
}

impl From<ObjectId> for Target {
    fn from(object: ObjectId) -> Target {
        Target::Object(object)
    }
}
