//! A pool of sessions, each with its own clone: as many as there are concurrent tests. A sandbox takes a session and
//! returns it after a rollback.

use std::sync::{Mutex, PoisonError};

use pgproof_server::Session;

use super::{IsolationError, Template};

/// The sessions of a template that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Session>>);

/// An unused session in an unused clone, or with the database that is in use.
pub(super) fn take(template: &Template) -> Result<Session, IsolationError> {
    let idle = template.pool.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
    match idle {
        Some(session) if !session.is_closed() => Ok(session),
        _ => template.sandbox_session(),
    }
}

/// Returns a session after a rollback.
pub(super) fn give_back(template: &Template, session: Session) {
    template.pool.0.lock().unwrap_or_else(PoisonError::into_inner).push(session);
}
