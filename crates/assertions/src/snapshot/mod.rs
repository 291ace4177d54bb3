//! The schema snapshot: every object with every property that the migrations gave it, as a file that is reviewed like
//! plans.

mod accepted;
mod portable;
mod text;

pub use accepted::{AsAccepted, CheckSchema, writes_pending};
