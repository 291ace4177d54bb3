//! Verdicts, and the exit code of each.

use serde::{Deserialize, Serialize};

/// The verdict on a test, a section, a schema or a run. The later one outweighs the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No assertions were checked.
    Nothing,
    /// Nothing of it was tried, because the database is in use.
    NotTried,
    /// All of it that was tried holds.
    Proven,
    /// A test passed that checked nothing.
    NoAssertions,
    /// Something does not hold.
    Refuted,
    /// Something could not be checked.
    Error,
}

impl Verdict {
    /// The exit code of the process: 0 all proven, 1 something refuted, 2 error, 3 nothing was run or tried.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Proven => 0,
            Verdict::Refuted | Verdict::NoAssertions => 1,
            Verdict::Error => 2,
            Verdict::Nothing | Verdict::NotTried => 3,
        }
    }

    /// The verdict on a whole with these parts.
    pub fn of(parts: impl IntoIterator<Item = Verdict>) -> Verdict {
        parts.into_iter().max().unwrap_or(Verdict::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_part_decides() {
        assert_eq!(Verdict::of([]), Verdict::Nothing);
        assert_eq!(Verdict::of([Verdict::Nothing, Verdict::Proven]), Verdict::Proven);
        assert_eq!(Verdict::of([Verdict::NotTried, Verdict::Proven]), Verdict::Proven);
        assert_eq!(Verdict::of([Verdict::NotTried, Verdict::Nothing]).exit_code(), 3);
        assert_eq!(Verdict::of([Verdict::Proven, Verdict::Refuted]).exit_code(), 1);
        assert_eq!(Verdict::of([Verdict::Error, Verdict::Refuted]).exit_code(), 2);
    }
}
