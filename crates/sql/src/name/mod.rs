//! Names of objects: a single identifier, and one qualified by its schema. `object` determines which object a name
//! denotes; the catalog determines whether it exists.

mod identifier;
mod qualified;

pub(crate) use identifier::parts;
pub use identifier::{Identifier, NameError};
pub use qualified::QualifiedName;
