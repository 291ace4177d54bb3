//! A pool of sessions, each with a clone of its own: as many as tests run at once. A sandbox takes one and gives it
//! back rolled back.

use std::sync::{Mutex, PoisonError};

use pgproof_server::Session;

use super::{IsolationError, Template};

/// The sessions of a template that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Session>>);

/// A session that nobody else uses, in a clone that nobody else uses.
pub(super) fn take(template: &Template) -> Result<Session, IsolationError> {
    let idle = template.pool.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
    match idle {
        Some(session) if !session.is_closed() => Ok(session),
        _ => template.fresh_session(),
    }
}

/// Gives a session back that has been rolled back.
pub(super) fn give_back(template: &Template, session: Session) {
    template.pool.0.lock().unwrap_or_else(PoisonError::into_inner).push(session);
}
