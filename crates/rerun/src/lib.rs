//! Migrations that are re-run, killed, run concurrently or rolled back: whatever happens, the database ends in the
//! state of one clean run, and users' rows are kept.

mod accepted_difference;
mod blame;
mod by_file;
mod case;
mod concurrent;
mod config;
mod database;
mod kill;
mod positions;
mod repeat;
mod repetition;
mod rollback;
mod rows;
mod rows_of;
mod state;
mod stops;
mod trial;
mod undone;
mod upgrade;

pub use accepted_difference::AcceptedDifference;
pub use by_file::{FilePlan, FileProperty, Tried};
pub use case::{CASES_VARIABLE, SEED_VARIABLE};
pub use concurrent::CanRunAtOnce;
pub use config::{EditedRows, Rerun};
pub use database::Runs;
pub use kill::SurvivesKills;
pub use repeat::Next;
pub use repeat::{CanBeResumed, IsRepeatable};
pub use rollback::CanBeRolledBack;
pub use rows::KeepsRows;
pub use rows_of::TableRows;
pub use state::{Change, State, Volatile};
pub use upgrade::{IsUpgraded, OldDatabase, database_of};

/// Begins a sentence about the migrations of a schema.
pub fn migrations() -> MigrationsRef {
    MigrationsRef(())
}

/// The migrations, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone, Copy)]
pub struct MigrationsRef(());

impl MigrationsRef {
    /// Run again, all of them or a single one, they change nothing.
    pub fn are_repeatable(self) -> IsRepeatable {
        IsRepeatable
    }

    /// After any file up to which they were applied, running all of them leads to the same state. A tool that records
    /// what it has applied runs only the rest: then say [`CanBeResumed::by_the_rest`].
    pub fn can_be_resumed(self) -> CanBeResumed {
        CanBeResumed::default()
    }

    /// Killed after or during any statement and run again, they lead to the same state.
    pub fn survive_kills(self) -> SurvivesKills {
        SurvivesKills
    }

    /// Rows that users insert between runs are kept; edited rows of the migrations are kept or reset, as declared.
    pub fn keep_rows(self) -> KeepsRows {
        KeepsRows
    }

    /// Two concurrent runs on one database both succeed if they are serialised, and leave a clean state.
    pub fn can_run_at_once(self) -> CanRunAtOnce {
        CanRunAtOnce
    }

    /// Each can be rolled back to exactly the previous state, and applied again; in a wrong order, rolling back is
    /// rejected or does no harm.
    pub fn can_be_rolled_back(self) -> CanBeRolledBack {
        CanBeRolledBack
    }
}
