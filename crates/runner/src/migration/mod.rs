//! Migrations: discovered and ordered, split into statements that know their file and line, applied one by one; and,
//! the other way round, which file and line made an object.

mod apply;
mod discover;
mod error;
mod layout;
mod meta;
mod provenance;
mod script;
mod select;
mod source;
mod split;
mod statement;
mod texts;

pub use apply::{Applied, Outcome, apply, apply_alone, apply_until};
pub use discover::{Migration, discover, discover_rollbacks};
pub use error::{MigrationError, StatementFailure};
pub use layout::{Layout, Style, lay_out};
pub use meta::Variables;
pub use provenance::{Object, Provenance};
pub use script::run_script;
pub use select::{optional, optional_names, select};
pub use source::Source;
pub use split::{split, split_with};
pub use statement::Statement;
pub use texts::texts;
