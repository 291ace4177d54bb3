//! Migrations of a configured schema: selecting them and applying them one by one. `pgproof-sql` parses their files.

mod apply;
mod error;
mod script;
mod select;

pub use apply::{
    Applied, Outcome, apply, apply_alone, apply_inside, apply_observed, apply_until, execute, lock_migrations,
};
pub use error::{MigrationError, StatementFailure};
pub use script::run_script;
pub use select::{optional, optional_names, select};
