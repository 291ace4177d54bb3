//! A database for each test: sandboxes (a transaction that is always rolled back) and clones (a separate database),
//! both created from a template that has all migrations of a schema applied.

mod access;
mod clone;
mod context;
mod error;
mod pool;
mod sandbox;
mod template;

pub use crate::cache::Cache;
pub use access::Owners;
pub use clone::CloneDatabase;
pub use context::SchemaContext;
pub use error::IsolationError;
pub use sandbox::{Sandbox, SchemaState};
pub use template::{Template, build_template, prepare_clones};
