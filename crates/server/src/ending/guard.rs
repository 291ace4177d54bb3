//! Who sees to it that a server, or what a run made in one, ends: dropped, a guard waits until nothing is left.

use std::fmt;

/// Ends what a run made when it is dropped, and when its process ends.
pub(crate) trait Guard: fmt::Debug + Send + Sync {
    /// The last lines of the server's log.
    fn log(&self) -> String;

    /// Lets what was made outlive this process: how to be rid of it.
    fn keep(self: Box<Self>) -> String;
}
