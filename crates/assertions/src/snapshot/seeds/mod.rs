//! The rows that migrations insert, as part of the schema snapshot: what they are on every server and in every run, and
//! the comparison with what was accepted.

mod accepted;
mod cell;
mod defaults;
mod found;
mod in_use;
mod read;
mod rows;
mod varying;

pub(super) use accepted::assertions;
pub(super) use found::{Seeds, SeedsError};
pub(super) use in_use::assertions as assertions_in_use;
