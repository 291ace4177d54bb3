//! Assertions about a PostgreSQL schema. An assertion is a value: a subject, a sentence, and a check that tests the
//! sentence in a sandbox wherever there is behaviour to test. The crate starts no server; `pgproof-runner` does that.

mod act;
mod admission;
pub mod assertion;
pub mod check;
pub mod check_range;
pub mod check_set;
pub mod column;
pub mod comment;
pub mod count;
pub mod declared;
pub mod default;
pub mod definition;
pub mod document;
pub mod expectation;
pub mod extension;
pub mod foreign_key;
pub mod function;
pub mod generation;
pub mod index;
pub mod lines;
pub mod nullability;
pub mod observe;
pub mod origin;
pub mod owner;
pub mod pin;
pub mod policy;
pub mod primary_key;
mod printed;
pub mod privilege;
mod problems;
pub mod query;
mod referential;
pub mod row_security;
pub mod rows;
mod scale;
pub mod sequence;
pub mod snapshot;
mod strangers;
pub mod table;
pub mod testing;
pub mod trigger;
pub mod unique;
pub mod view;

/// The template of `cargo xtask new assertion`, compiled and tested where its copies will be.
#[cfg(test)]
#[path = "../../../xtask/templates/assertion.rs"]
mod skeleton;
