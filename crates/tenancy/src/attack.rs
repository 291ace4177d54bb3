//! The attacks of one tenant on another, and how one of them ended. Carrying them out is left to the other files.

use std::fmt;

/// What one tenant does to another's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// Reads the table.
    Select,
    /// Locks rows with SELECT … FOR UPDATE.
    Lock,
    /// Reads through the RETURNING of an UPDATE or DELETE.
    Returning,
    /// Reads with COPY TO.
    CopyTo,
    /// Adds a row that is the other's.
    Insert,
    /// Takes over a row of the same key with INSERT … ON CONFLICT.
    Upsert,
    /// Changes or steals rows, with no WHERE.
    Update,
    /// Makes its own rows the other's.
    Move,
    /// Deletes rows, with no WHERE.
    Delete,
    /// Steals or adds rows with MERGE.
    Merge,
    /// Adds a row that is the other's with COPY FROM.
    CopyFrom,
    /// Empties the table.
    Truncate,
    /// Reads through a view.
    View,
    /// Reads through a materialized view.
    MaterializedView,
    /// Reads or writes through a function or procedure.
    Function,
    /// Names a partition or an inheriting table, in place of the table.
    Child,
    /// Points a foreign key at the other's row.
    Reference,
    /// Deletes a row that the other's row points at.
    Cascade,
    /// Learns from a unique violation that the other has a key.
    Unique,
    /// Learns from a foreign key that the other has a row.
    Oracle,
    /// Learns from a sequence how many rows the other makes, or sets it back.
    Sequence,
    /// Does all this where the setting was never set.
    Unset,
    /// … where it is empty, as after RESET or the end of a SET LOCAL.
    Empty,
    /// … where it is no value of the tenants' type.
    Malformed,
    /// … where it names no tenant that there is.
    Unknown,
    /// Reads again after the tenant was switched within the transaction.
    Switched,
}

impl Attack {
    /// All of them, in the order of the matrix.
    pub const ALL: [Attack; 26] = [
        Attack::Select,
        Attack::Lock,
        Attack::Returning,
        Attack::CopyTo,
        Attack::Insert,
        Attack::Upsert,
        Attack::Update,
        Attack::Move,
        Attack::Delete,
        Attack::Merge,
        Attack::CopyFrom,
        Attack::Truncate,
        Attack::View,
        Attack::MaterializedView,
        Attack::Function,
        Attack::Child,
        Attack::Reference,
        Attack::Cascade,
        Attack::Unique,
        Attack::Oracle,
        Attack::Sequence,
        Attack::Unset,
        Attack::Empty,
        Attack::Malformed,
        Attack::Unknown,
        Attack::Switched,
    ];

    /// Its name in reports and in `pgproof.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Attack::Select => "select",
            Attack::Lock => "lock",
            Attack::Returning => "returning",
            Attack::CopyTo => "copy to",
            Attack::Insert => "insert",
            Attack::Upsert => "upsert",
            Attack::Update => "update",
            Attack::Move => "move",
            Attack::Delete => "delete",
            Attack::Merge => "merge",
            Attack::CopyFrom => "copy from",
            Attack::Truncate => "truncate",
            Attack::View => "view",
            Attack::MaterializedView => "matview",
            Attack::Function => "function",
            Attack::Child => "child",
            Attack::Reference => "reference",
            Attack::Cascade => "cascade",
            Attack::Unique => "unique",
            Attack::Oracle => "oracle",
            Attack::Sequence => "sequence",
            Attack::Unset => "unset",
            Attack::Empty => "empty",
            Attack::Malformed => "malformed",
            Attack::Unknown => "unknown",
            Attack::Switched => "switched",
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an attack on a table ended. The later one outweighs the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is nothing to attack in this way.
    NotApplicable,
    /// PostgreSQL refused it.
    Refused,
    /// It was carried out, and neither showed nor changed anything of the other's.
    Isolated,
    /// It reached the other, which `pgproof.toml` accepts.
    Accepted,
    /// The tenant is kept from what is its own.
    Hides,
    /// It reached the other.
    Leaks,
}

impl Verdict {
    /// What reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::NotApplicable => "not applicable",
            Verdict::Refused => "refused",
            Verdict::Isolated => "isolated",
            Verdict::Accepted => "accepted",
            Verdict::Hides => "hides",
            Verdict::Leaks => "leaks",
        }
    }
}

/// How an attack on a table ended, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The table.
    pub table: String,
    /// Whether it is about the rows that no tenant has, rather than those of the other tenant.
    pub no_tenant: bool,
    /// The attack.
    pub attack: Attack,
    /// How it ended.
    pub verdict: Verdict,
    /// The key, sequence, function or view by which it was done, if not by the table itself.
    pub by: Option<String>,
    /// What was found, or why there is nothing to attack.
    pub note: String,
    /// The statement.
    pub statement: String,
}
