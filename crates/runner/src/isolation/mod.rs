//! A database for each test: sandboxes (a transaction that is always rolled back) and clones (a separate database),
//! both created from a template that has all migrations of a schema applied. A database that is in use takes the place of a
//! template, without clones.

mod access;
mod build;
mod clone;
mod context;
mod error;
mod in_use;
mod pool;
mod sandbox;
mod template;

pub use crate::cache::Cache;
pub use access::Owners;
pub use build::{build_template, prepare_clones};
pub use clone::CloneDatabase;
pub use context::SchemaContext;
pub use error::IsolationError;
pub use in_use::InUse;
pub use sandbox::{Refusal, Sandbox, SchemaState};
pub use template::Template;
