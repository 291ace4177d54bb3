//! Finds the database error that caused another error.

use pgproof_server::DatabaseError;

use crate::isolation::IsolationError;
use crate::migration::MigrationError;

/// The database error in an error: itself or one of its causes.
pub fn behind<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a DatabaseError> {
    let mut next = Some(error);
    while let Some(error) = next {
        let found = error
            .downcast_ref::<DatabaseError>()
            .or_else(|| error.downcast_ref().and_then(MigrationError::database_error))
            .or_else(|| error.downcast_ref().and_then(IsolationError::database_error));
        if found.is_some() {
            return found;
        }
        next = error.source();
    }
    None
}
