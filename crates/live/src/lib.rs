//! Databases that are in use: which one is meant, and what is done to it. Everything else of pgproof works on databases
//! of its own; here the database belongs to somebody else, and only what names it and asks may change it.

pub mod backup;
mod config;
mod described;
pub mod doctor;
mod drift;
mod environment;
mod error;
pub mod migrate;
mod restated;
pub mod script;
mod target;
mod versions;

pub use config::{Database, Databases};
pub use described::described;
pub use drift::{Drift, DriftError, Drifted};
pub use environment::{Environment, Found};
pub use error::TargetError;
pub use target::Target;
