//! The outcome of an attack on a table. Other files carry the attacks out.

use super::attack::Attack;

/// The outcome of an attack on a table. A later variant outweighs an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// This attack does not apply.
    NotApplicable,
    /// PostgreSQL rejected it.
    Refused,
    /// It was carried out, and neither revealed nor changed any of the other tenant's rows.
    Isolated,
    /// It reached the other tenant, which `pgproof.toml` accepts.
    Accepted,
    /// The tenant has no access to its own rows.
    Hides,
    /// It reached the other tenant.
    Leaks,
}

impl Verdict {
    /// Its name in reports.
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

/// The outcome of an attack on a table, and its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The table.
    pub table: String,
    /// Whether it concerns rows without a tenant, rather than those of the other tenant.
    pub no_tenant: bool,
    /// The attack.
    pub attack: Attack,
    /// Its outcome.
    pub verdict: Verdict,
    /// The key, sequence, function or view that was used, if not the table itself.
    pub by: Option<String>,
    /// What was found, or why the attack does not apply.
    pub note: String,
    /// The statement.
    pub statement: String,
}
