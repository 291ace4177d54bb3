//! Ends a server, or removes what a run created on one: dropping a guard waits until nothing is left.

use std::fmt;

/// Removes what a run created when dropped, and when its process ends.
pub(crate) trait Guard: fmt::Debug + Send + Sync {
    /// The last lines of the server's log.
    fn log(&self) -> String;

    /// Lets what was created outlive this process. Returns how to remove it.
    fn keep(self: Box<Self>) -> String;
}
