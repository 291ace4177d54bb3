//! Ends a statement that takes too long, from outside: `statement_timeout` is a setting that any SQL may change. First by a
//! cancel request over a second connection, which a block may catch, then by ending the session.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use postgres::{CancelToken, NoTls};

use crate::connection::{Address, tls};
use crate::{DatabaseError, Session};

/// How long a statement may go on after a cancel request, before its session is ended.
const GRACE: Duration = Duration::from_secs(2);

/// A thread that watches the statements of one session. It ends with this value.
#[derive(Debug)]
pub(crate) struct Watch(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// When to act, while a statement runs.
    due: Option<Instant>,
    /// When the thread looks again; none if it waits to be told.
    wakes: Option<Instant>,
    /// How often it has acted on this statement.
    acted: u32,
    ended: bool,
}

impl Watch {
    /// Watches the session with this backend.
    pub(crate) fn spawn(token: CancelToken, address: Address, pid: String) -> Watch {
        let shared = Arc::new(Shared::default());
        let watched = Arc::clone(&shared);
        std::thread::spawn(move || watch(&watched, &token, &address, &pid));
        Watch(shared)
    }

    /// A statement begins, and may take this long.
    pub(crate) fn begin(&self, limit: Duration) {
        let due = Instant::now() + limit;
        let mut state = self.0.lock();
        (state.due, state.acted) = (Some(due), 0);
        // A thread that looks again before that need not be woken: most statements end at once.
        if state.wakes.is_none_or(|wakes| wakes > due) {
            self.0.changed.notify_one();
        }
    }

    /// The statement has ended. Returns whether it was ended from outside.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.0.lock();
        state.due = None;
        state.acted > 0
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn watch(shared: &Shared, token: &CancelToken, address: &Address, pid: &str) {
    let mut state = shared.lock();
    while !state.ended {
        let now = Instant::now();
        match state.due {
            None => {
                state.wakes = None;
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            Some(due) if due > now => {
                state.wakes = Some(due);
                state = shared.changed.wait_timeout(state, due - now).unwrap_or_else(PoisonError::into_inner).0;
            }
            Some(_) => {
                state.acted += 1;
                state.due = Some(now + GRACE);
                let first = state.acted == 1;
                drop(state);
                // An attempt that fails is repeated.
                let _ = if first { cancel(token, address) } else { terminate(address, pid) };
                state = shared.lock();
            }
        }
    }
}

fn cancel(token: &CancelToken, address: &Address) -> Result<(), DatabaseError> {
    match tls::connector(address)? {
        Some(connector) => Ok(token.cancel_query(connector)?),
        None => Ok(token.cancel_query(NoTls)?),
    }
}

/// The same role may end its own sessions.
fn terminate(address: &Address, pid: &str) -> Result<(), DatabaseError> {
    Session::open(address, address.maintenance())?.run(&format!("SELECT pg_terminate_backend({pid})"))
}
