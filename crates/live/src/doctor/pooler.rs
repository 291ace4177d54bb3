//! Whether a connection pooler stands between pgproof and the server. In transaction mode it keeps neither settings nor
//! advisory locks of a session, so migrations must go around it.
//!
//! What shows one: settings with which the session began are not in effect (PgBouncer with `ignore_startup_parameters`);
//! two sessions at once, or two statements of one, have the same or different server processes, which is the opposite of
//! what they should have. A pooler that rejects the settings is noticed when connecting. Names and ports are a hint only: a
//! pooler in session mode does no harm.

use pgproof_server::{DatabaseError, Session};

use super::{Outcome, Problem};
use crate::Target;

const PROCESS: &str = "SELECT pg_backend_pid()";

/// Parts of host names at which services run poolers (Neon, Supabase), and the usual ports (PgBouncer, Supavisor).
const HOSTS: [&str; 3] = ["-pooler.", ".pooler.", "pgbouncer"];
const PORTS: [&str; 2] = ["6432", "6543"];

/// Looks for a pooler.
pub(super) fn pooler(session: &mut Session, target: &Target) -> Result<Outcome, DatabaseError> {
    let direct = "connect to the server itself: use the connection string without the pooler (Neon: the host without -pooler; Supabase: port 5432)";
    let wanted = target.settings.lock_timeout.as_millis().to_string();
    let current = session.value("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")?.unwrap_or_default();
    if current != wanted {
        return Ok(Outcome::Problem(Problem::new(
            format!("a pooler drops settings of the session: lock_timeout is {current} ms, {wanted} ms were asked for"),
            [direct],
        )));
    }
    let process = |session: &mut Session| session.value(PROCESS);
    let first = process(session)?;
    // Idle connections of a pool are handed out again, to whoever asks.
    let shared = match session.another() {
        Ok(mut other) => process(&mut other)? == first,
        // The check of free connections reports it.
        Err(_) => false,
    };
    if shared || process(session)? != first {
        return Ok(Outcome::Problem(Problem::new(
            "a pooler gives each transaction another server process, so locks and settings of a session are lost",
            [direct],
        )));
    }
    let host = target.address.get("host").unwrap_or_default();
    let port = target.address.get("port").unwrap_or_default();
    if HOSTS.iter().any(|part| host.contains(part)) || PORTS.contains(&port) {
        return Ok(Outcome::Warning(Problem::new(
            format!("{host}:{port} looks like the address of a pooler, though this session is kept"),
            [direct],
        )));
    }
    Ok(Outcome::Fine("none found: settings and server process are those of the session".to_owned()))
}
