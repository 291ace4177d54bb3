//! The catalog of a database, the diff between two catalogs, and valid rows for any table.

mod catalog;
mod constraint;
mod family;
mod function;
mod history;
mod index;
mod named;
mod objects;
mod policy;
mod printing;
mod relation;
pub mod row;
mod trigger;
mod types;

pub use catalog::Catalog;
pub use constraint::{Constraint, ConstraintKind, ForeignKeyAction, References};
pub use family::family;
pub use function::{Function, Volatility};
pub use history::{History, RowHistory, without_roles};
pub use index::{Index, IndexKey};
pub use named::Misnamed;
pub use objects::{Baseline, Described, Difference, Given, OWNER, Objects, Touched, is_own, owner_of};
pub use policy::{Policy, PolicyCommand};
pub use printing::printed_alike;
pub use relation::{Column, ColumnType, Generation, Relation, RelationKind};
pub use trigger::{Event, Level, Timing, Trigger};
pub use types::{Extension, UserType, UserTypeKind};
