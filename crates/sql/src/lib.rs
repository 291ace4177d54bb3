//! SQL as text, without a connection: migration files, their layouts and order, and their statements with file and
//! line; conversely, the file and line that created an object.

mod causes;
mod comparison;
mod discover;
mod error;
mod extensions;
pub mod files;
mod layout;
mod meta;
mod name;
mod object;
mod origin;
mod provenance;
pub mod quote;
mod roles;
mod shortened;
mod source;
mod split;
mod statement;
mod texts;
mod transaction;
mod tree;

pub use causes::with_causes;
pub use comparison::constants_compared;
pub use discover::{Migration, discover, discover_rollbacks, read, sql_files};
pub use error::SourceError;
pub use extensions::{extensions_created, leave_out_extensions};
pub use layout::{Layout, Style, lay_out};
pub use meta::Variables;
pub use name::{Identifier, NameError, QualifiedName, keyed_by_name};
pub use object::{Change, ObjectId, ObjectKind, ObjectPattern, PatternError, Property, Target, is_like, nearest};
pub use origin::Origin;
pub use provenance::Provenance;
pub use roles::{any_creates_role, roles_created};
pub use shortened::{shortened, shortened_word};
pub use source::Source;
pub use split::{DEEPEST_INCLUDE, MOST_INCLUDED, split, split_with};
pub use statement::Statement;
pub use texts::texts;
pub use transaction::Transaction;
pub use tree::{DEEPEST, is_valid};
