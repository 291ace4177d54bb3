//! Migrations of a configured schema: which ones its database gets, and applying them one by one. What their files hold
//! is the business of `pgproof-sql`.

mod apply;
mod error;
mod script;
mod select;

pub use apply::{Applied, Outcome, apply, apply_alone, apply_until};
pub use error::{MigrationError, StatementFailure};
pub use script::run_script;
pub use select::{optional, optional_names, select};
