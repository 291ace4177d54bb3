//! The schema snapshot: every object with every property that the migrations gave it, as a file that is reviewed like
//! plans.

mod accepted;
pub mod pending;
mod portable;
mod text;

pub use accepted::{AsAccepted, CheckSchema};
