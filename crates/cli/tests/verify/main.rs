//! `verify` as a user runs it, on a copy of this repository's schemas: what it says when a schema breaks its promises,
//! when the input is bad, and what it leaves behind.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod audit;
mod bad_input;
mod edits;
mod endings;
mod output;
mod plans;
mod project;
mod servers;
mod tenants;
