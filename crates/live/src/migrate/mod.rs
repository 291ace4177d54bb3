//! Migrations applied to a database that is in use: what stands there is recognised by its catalog, what is pending is
//! planned, and applied so that others are not made to wait and a killed run can be resumed.

mod after_care;
mod apply;
mod chain;
mod concurrent;
mod error;
mod history;
mod lock;
mod rehearsal;
mod rollback;
mod standing;
mod tag;
mod trace;
mod units;

pub use after_care::{Refreshed, analyze, invalid_indexes, refresh};
pub use apply::{Applying, Event, apply};
pub use chain::Chain;
pub use error::MigrateError;
pub use history::{Action, record};
pub use lock::{Lock, lock};
pub use rehearsal::{Rehearsal, rehearse};
pub use rollback::{Loss, RollbackStep, steps_back};
pub use standing::{Recognised, Standing};
pub use tag::command_tag;
pub use trace::Traced;
