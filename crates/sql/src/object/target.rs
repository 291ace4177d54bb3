//! What a refuted assertion points at in the migrations: an object, or a row that they insert.

use super::id::ObjectId;
use crate::name::QualifiedName;

/// What has a place in the migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An object.
    Object(ObjectId),
    /// A row of a table, by some of its values in their text form.
    Row(QualifiedName, Vec<String>),
}

impl From<ObjectId> for Target {
    fn from(object: ObjectId) -> Target {
        Target::Object(object)
    }
}
