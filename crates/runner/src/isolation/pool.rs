//! A pool of sessions, each with a clone of its own: as many as tests run at once. A sandbox takes one and gives it
//! back rolled back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{IsolationError, Template};
use pgproof_server::Session;

static IDLE: Mutex<Option<HashMap<String, Vec<Session>>>> = Mutex::new(None);

/// A session that nobody else uses, in a clone that nobody else uses.
pub(super) fn take(template: &Template) -> Result<Session, IsolationError> {
    let idle = {
        let mut pool = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        pool.get_or_insert_default().get_mut(&template.key).and_then(Vec::pop)
    };
    match idle {
        Some(session) if !session.is_closed() => Ok(session),
        _ => template.fresh_session(),
    }
}

/// Gives a session back that has been rolled back.
pub(super) fn give_back(template: &Template, session: Session) {
    let mut pool = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    pool.get_or_insert_default().entry(template.key.clone()).or_default().push(session);
}
