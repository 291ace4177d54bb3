//! The attacks of one tenant on another, by the names that reports and `pgproof.toml` give them. Other files carry them
//! out.

use std::fmt;

use pgproof_sql::nearest;
use serde::{Deserialize, Deserializer};

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

impl<'de> Deserialize<'de> for Attack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Attack, D::Error> {
        let text = String::deserialize(deserializer)?;
        let names = || Attack::ALL.into_iter().map(Attack::name);
        Attack::ALL.into_iter().find(|attack| attack.name() == text).ok_or_else(|| {
            let meant = nearest(&text, names()).map(|name| format!("; did you mean {name:?}?"));
            let known = || format!("; there are {}", names().collect::<Vec<_>>().join(", "));
            serde::de::Error::custom(format!("there is no attack {text:?}{}", meant.unwrap_or_else(known)))
        })
    }
}
