//! Names of objects: a single identifier, and one qualified by its schema. `object` determines which object a name
//! denotes; the catalog determines whether it exists.

mod identifier;
mod keyed;
mod qualified;

pub(crate) use identifier::parts;
pub use identifier::{Identifier, NameError};
pub use keyed::keyed_by_name;
pub use qualified::QualifiedName;
