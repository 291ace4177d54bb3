//! What cannot be tried on a database that is in use: what writes, and what needs a database of its own. A request for one
//! is noted for the thread that makes it, because a check may make anything of the error.

use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotTried {
    /// It writes.
    Writes,
    /// It needs a database of its own: a copy, or an empty one.
    OwnDatabase,
    /// It is about all rows of a table, which holds others than those of the migrations.
    OtherRows,
    /// The role that is logged in lacks a privilege for it: to read all rows, to become another role.
    Privilege,
}

impl fmt::Display for NotTried {
    /// The end of a sentence, as in "not tried: it writes".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotTried::Writes => "it writes",
            NotTried::OwnDatabase => "it needs a database of its own",
            NotTried::OtherRows => "its table holds other rows than those of the migrations",
            NotTried::Privilege => "the role that is logged in lacks a privilege for it",
        })
    }
}

thread_local! {
    static DENIED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that a database of its own was denied to what runs in this thread.
pub(crate) fn deny() {
    DENIED.set(true);
}

/// Whether one was denied in this thread since the last `set_denied`.
pub fn was_denied() -> bool {
    DENIED.get()
}

/// Sets what [`was_denied`] says, and returns what it said before.
pub(crate) fn set_denied(denied: bool) -> bool {
    DENIED.replace(denied)
}
