//! The identity of a database object, shared by assertions, the catalog, differences, provenance, findings and
//! `pgproof.toml`, and the properties an object has.

mod change;
mod id;
mod kind;
mod nearest;
mod pattern;
mod property;
mod serial;
mod target;

pub use change::Change;
pub use id::ObjectId;
pub use kind::ObjectKind;
pub use nearest::nearest;
pub use pattern::{ObjectPattern, PatternError, is_like};
pub use property::Property;
pub use target::Target;
