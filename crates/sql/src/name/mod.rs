//! Names of objects: a single identifier, and one with its schema. Which object a name means is the business of
//! `object`; whether it exists, that of the catalog.

mod identifier;
mod qualified;

pub(crate) use identifier::parts;
pub use identifier::{Identifier, NameError};
pub use qualified::QualifiedName;
