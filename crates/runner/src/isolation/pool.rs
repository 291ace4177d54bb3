//! A pool of sessions, each with its own clone: as many as there are concurrent tests. A sandbox takes a session and
//! returns it after a rollback.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{IsolationError, Template};
use pgproof_server::Session;

static IDLE: Mutex<Option<HashMap<String, Vec<Session>>>> = Mutex::new(None);

/// An unused session in an unused clone.
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

/// Returns a session after a rollback.
pub(super) fn give_back(template: &Template, session: Session) {
    let mut pool = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    pool.get_or_insert_default().entry(template.key.clone()).or_default().push(session);
}
