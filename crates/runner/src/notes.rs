//! What a check says beside its outcome: how much it tried, and which accepted differences it met. Whoever checks it
//! takes the notes into the evidence.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::evidence::Extent;

/// The notes of the check that runs now. Copies share one list.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<Mutex<Noted>>);

/// What was noted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noted {
    /// How many cases of how many were tried.
    pub extent: Option<Extent>,
    /// The patterns in `pgproof.toml` that accepted a difference, as they are written there.
    pub accepted: BTreeSet<String>,
    /// Why the sentence is not decided, although nothing refutes it.
    pub undecided: Option<String>,
    /// Whether the catalog was asked because the behaviour could not be acted out.
    pub looked_at: bool,
}

impl Notes {
    /// Notes how many cases were tried; the last note counts.
    pub fn tried(&self, extent: Extent) {
        self.lock().extent = Some(extent);
    }

    /// Notes that a pattern accepted a difference.
    pub fn accepted(&self, pattern: impl Into<String>) {
        self.lock().accepted.insert(pattern.into());
    }

    /// Notes that nothing refutes the sentence, but that what was tried does not decide it.
    pub fn undecided(&self, reason: impl Into<String>) {
        self.lock().undecided = Some(reason.into());
    }

    /// Notes that only the catalog was asked.
    pub fn looked_at(&self) {
        self.lock().looked_at = true;
    }

    /// The notes so far; afterwards there are none.
    pub fn take(&self) -> Noted {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
