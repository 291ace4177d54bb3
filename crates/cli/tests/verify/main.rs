//! `verify` as a user runs it, on a copy of this repository's schemas: its messages for broken schemas and bad input,
//! and its cleanup.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

mod audit;
mod bad_input;
mod containers;
mod deadlines;
mod documentation;
mod edits;
mod endings;
mod external;
mod hostile;
mod kills;
mod layouts;
mod markdown;
mod names;
mod namespace;
mod output;
mod places;
mod plans;
mod project;
mod schema;
mod seeds;
mod servers;
mod surroundings;
mod tenants;
