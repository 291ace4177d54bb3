//! Migrations that are run again, killed, run by two at once, taken back: whatever happens on the way, the database ends
//! as after one clean run, and what users put in is kept.

mod blame;
mod case;
mod concurrent;
mod database;
mod kill;
mod repeat;
mod rollback;
mod rows;
mod state;
mod upgrade;

pub use case::{CASES_VARIABLE, SEED_VARIABLE};
pub use concurrent::CanRunAtOnce;
pub use database::Runs;
pub use kill::SurvivesKills;
pub use repeat::{CanBeResumed, IsRepeatable};
pub use rollback::CanBeRolledBack;
pub use rows::KeepsRows;
pub use state::{Change, State, TableRows, Volatile};
pub use upgrade::{IsUpgraded, OldDatabase, database_of};

/// Begins a sentence about the migrations of a schema.
pub fn migrations() -> MigrationsRef {
    MigrationsRef(())
}

/// The migrations, of which something will be said.
#[derive(Debug, Clone, Copy)]
pub struct MigrationsRef(());

impl MigrationsRef {
    /// Run again, all of them or one alone, they change nothing.
    pub fn are_repeatable(self) -> IsRepeatable {
        IsRepeatable::default()
    }

    /// From whatever file they were applied to, running all of them leads to the same state.
    pub fn can_be_resumed(self) -> CanBeResumed {
        CanBeResumed::default()
    }

    /// Killed after or during any statement and run again, they lead to the same state.
    pub fn survive_kills(self) -> SurvivesKills {
        SurvivesKills::default()
    }

    /// Rows that users put in between runs are kept; edited rows of the migrations are kept or reset, as declared.
    pub fn keep_rows(self) -> KeepsRows {
        KeepsRows
    }

    /// Two who run them at once on one database both end well where they take turns, and leave a clean state.
    pub fn can_run_at_once(self) -> CanRunAtOnce {
        CanRunAtOnce
    }

    /// Each can be taken back to exactly what stood before it, and applied again; in a wrong order that is refused or
    /// does no harm.
    pub fn can_be_rolled_back(self) -> CanBeRolledBack {
        CanBeRolledBack
    }
}
