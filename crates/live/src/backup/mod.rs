//! Backups of databases that are in use: `pg_dump` with a manifest of what the database held at that moment, the proof that
//! a dump brings all of it back, and a restored database that takes the place of the old one.

mod contents;
mod copy;
mod database;
mod dump;
mod error;
mod files;
mod finding;
mod manifest;
mod restored;
mod roles;
mod rows;
mod supervised;
mod swap;

pub use contents::Contents;
pub use copy::{CopyError, copy_catalog};
pub use dump::{Backup, BackupOptions, Step};
pub use error::BackupError;
pub use files::DumpFiles;
pub use finding::{Finding, MOST_REPORTED};
pub use manifest::Manifest;
pub use restored::{RestoreOptions, Restored};
pub use roles::MentionedRole;
pub use rows::{Position, TableDigest};
pub use swap::{Replaced, Replacement};
