//! Unpredictable numbers, for names and passwords of things that live as long as a run.

use std::hash::{BuildHasher, Hasher, RandomState};

/// An unpredictable number: the standard library seeds its hashers from the system's randomness.
pub fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}
