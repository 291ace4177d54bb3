//! What can be said about a PostgreSQL schema. An assertion is a value: a subject, a sentence, and a check that acts
//! the sentence out in a sandbox wherever there is behaviour to act out. The crate starts no server; that is
//! `pgproof-runner`'s part.

pub mod assertion;
pub mod catalog;
pub mod check;
pub mod check_range;
pub mod check_set;
pub mod column;
pub mod comment;
pub mod count;
pub mod default;
pub mod document;
pub mod expectation;
pub mod extension;
pub mod fixture;
pub mod foreign_key;
pub mod function;
pub mod generation;
pub mod index;
pub mod lines;
pub mod nullability;
pub mod plan;
pub mod policy;
pub mod primary_key;
pub mod privilege;
pub mod query;
pub mod rerun;
pub mod row_security;
pub mod rows;
pub mod synth;
pub mod table;
pub mod tenancy;
pub mod trigger;
pub mod unique;
pub mod upgrade;
pub mod view;

/// What a suite needs.
pub mod prelude {
    pub use crate::assertion::Assertion;
    pub use crate::catalog::{Event, PolicyCommand, Timing, Volatility};
    pub use crate::check::Check;
    pub use crate::count::schema;
    pub use crate::expectation::expected;
    pub use crate::extension::extension;
    pub use crate::foreign_key::Action;
    pub use crate::function::function;
    pub use crate::index::index;
    pub use crate::lines::{ColumnLine, ForeignKeyLine, IndexLine, picked};
    pub use crate::privilege::{Privilege, role};
    pub use crate::query::query;
    pub use crate::rerun::migrations;
    pub use crate::table::{table, tables};
    pub use crate::upgrade::database_of;
    pub use crate::view::{materialized_view, view};
    pub use pgproof_runner::{CloneDatabase, Sandbox};
}

#[cfg(test)]
mod testing;
