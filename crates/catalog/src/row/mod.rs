//! The row generator: valid rows for any table, from its catalog: parents first, NOT NULL, types, domains, CHECKs,
//! unique keys. Assertions use such rows to test behaviour. The same catalog always yields the same rows.

mod candidates;
mod draft;
mod error;
mod generator;
mod keys;
mod solve;
mod value;

pub use candidates::{candidates, literals};
pub use draft::{Draft, Row};
pub use error::RowError;
pub use generator::RowGenerator;
pub use keys::columns_of_keys;
pub use value::Value;
pub use value::{integer_range, length_limit, parts as type_parts, sample};
