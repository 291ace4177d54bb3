//! The schema snapshot: every object with every property that the migrations gave it, and the rows that they inserted,
//! as a file that is reviewed like plans.

mod accepted;
pub mod pending;
mod portable;
mod seeds;
mod text;

pub use accepted::{AsAccepted, CheckSchema};
