//! Quotes identifiers and literals as `quote_ident` and `quote_literal` do.

pub use postgres_protocol::escape::{escape_identifier as identifier, escape_literal as literal};
