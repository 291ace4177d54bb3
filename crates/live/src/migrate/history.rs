//! The table of what was applied when and by whom, for teams that want one in the database. It is a record for people: what
//! stands in the database, its catalog says.

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::Migration;
use pgproof_sql::quote::literal;

const CREATE: &str = "CREATE SCHEMA IF NOT EXISTS pgproof; \
     CREATE TABLE IF NOT EXISTS pgproof.history (file text NOT NULL, sha256 text NOT NULL, \
     action text NOT NULL CHECK (action IN ('applied', 'rolled back')), \
     at timestamptz NOT NULL DEFAULT clock_timestamp(), by text NOT NULL DEFAULT session_user)";

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was applied.
    Applied,
    /// It is a down migration, and was applied.
    RolledBack,
}

/// Records a file in `pgproof.history`, and creates that table at the first time.
pub fn record(session: &mut Session, file: &Migration, action: Action) -> Result<(), DatabaseError> {
    let text = file.statements.first().map(|statement| statement.source.text.as_str()).unwrap_or_default();
    let action = match action {
        Action::Applied => "applied",
        Action::RolledBack => "rolled back",
    };
    let name = file.file.display().to_string();
    session.run(&format!(
        "BEGIN; {CREATE}; INSERT INTO pgproof.history (file, sha256, action) VALUES ({}, encode(sha256(convert_to({}, 'UTF8')), 'hex'), {}); COMMIT",
        literal(&name),
        literal(text),
        literal(action)
    ))
}
