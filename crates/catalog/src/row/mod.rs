//! The row generator: valid rows for any table, from its catalog: parents first, NOT NULL, types, domains, CHECKs,
//! unique keys. Assertions use such rows to test behaviour. The same catalog always yields the same rows.

mod candidates;
mod config;
mod configured;
mod documents;
mod draft;
mod error;
mod example;
mod expression;
mod generator;
mod impossible;
mod keys;
mod making;
mod parents;
mod pool;
mod repair;
mod rules;
mod satisfy;
mod solve;
mod trial;
mod trigger;
mod types;
mod value;
mod variation;

pub use candidates::{candidates, literals};
pub use config::Rows;
pub use draft::{Draft, Row};
pub use error::RowError;
pub use example::Example;
pub use generator::RowGenerator;
pub use keys::{columns_of_keys, unused_key};
pub use satisfy::values_for;
pub use types::sample_of;
pub use value::Value;
pub use value::{integer_range, length_limit, parts as type_parts, sample};
