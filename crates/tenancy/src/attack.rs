//! The attacks of one tenant on another, and how one of them ended. Carrying them out is left to the other files.

pub use pgproof_runner::config::Attack;

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
