//! Migrated, isolated databases on a server: configuration, applying migrations, templates, clones and sandboxes, and
//! the records of what was proven. Assertions are in `pgproof-assertions`.

mod cache;
mod cause;
pub mod config;
pub mod evidence;
pub mod isolation;
pub mod migration;
pub mod not_tried;
mod notes;
pub mod process;

pub use cause::behind;
pub use config::{Config, ConfigError, Schema};
pub use isolation::{CloneDatabase, Sandbox};
pub use not_tried::NotTried;
pub use notes::{Noted, Notes};
