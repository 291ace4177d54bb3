//! Acting out a row: what was stored, not only whether PostgreSQL complained. A trigger or rule may take the row, or
//! give a column another value.

use pgproof_catalog::row::Draft;
use pgproof_runner::Sandbox;
use pgproof_server::{DatabaseError, Reported, SqlState};
use pgproof_sql::quote::identifier;

/// What became of a row that was tried.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stored {
    /// It was stored; the text form of the column's value, `None` for NULL.
    Value(Option<String>),
    /// No row was stored: a trigger returned NULL, or a rule took its place.
    Nothing,
    /// It was rejected.
    Refused(Box<Reported>),
}

/// Tries to insert a row, rolls it back, and returns what was stored in one column.
pub(crate) fn store(sandbox: &mut Sandbox, draft: &Draft, column: &str) -> Result<Stored, DatabaseError> {
    let sql = draft.sql();
    match sandbox.session().attempt_rows(&format!("{sql} RETURNING {}::text", identifier(column)))? {
        Ok(rows) => Ok(match rows.into_iter().next().and_then(|row| row.into_iter().next()) {
            Some(value) => Stored::Value(value),
            None => Stored::Nothing,
        }),
        // feature_not_supported: a rule on INSERT that does not say what to return
        Err(refusal) if refusal.has(&SqlState::FEATURE_NOT_SUPPORTED) => {
            let stored = sandbox.undone(|sandbox| sandbox.session().affected(&sql));
            Ok(if stored? > 0 { Stored::Value(None) } else { Stored::Nothing })
        }
        Err(refusal) => Ok(Stored::Refused(refusal)),
    }
}

/// What to say of a row that was not stored although nothing rejected it.
pub(crate) const NOT_STORED: &str = "the row was not stored: a trigger or rule took it";
