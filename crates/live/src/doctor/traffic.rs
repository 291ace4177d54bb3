//! Sessions whose locks a migration would wait for: long transactions, and prepared ones, which hold locks until somebody
//! ends them. A migration that waits makes all later sessions wait behind it.

use std::time::Duration;

use pgproof_server::{DatabaseError, Session};

use super::{Outcome, Problem};

/// Lock holders: process, virtual transaction, a table, seconds since the transaction began (NULL if this role may not
/// see it), and whether the session is idle.
const HOLDERS: &str = include_str!("holders.sql");

const PREPARED: &str = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared";

/// A transaction that lasts longer than this is worth a look, in seconds.
const LONG: u64 = 60;

/// How long to look at transactions whose age this role may not see.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks for locks that would block a migration.
pub(super) fn traffic(session: &mut Session) -> Result<Outcome, DatabaseError> {
    let text = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten();
    let mut holders = session.rows(HOLDERS)?;
    if holders.iter().any(|row| text(row, 3).is_none()) {
        std::thread::sleep(PAUSE);
        let later = session.rows(HOLDERS)?;
        let is_still_there = |row: &Vec<Option<String>>| later.iter().any(|other| other[..2] == row[..2]);
        holders.retain(|row| text(row, 3).is_some() || is_still_there(row));
    }
    let (mut found, mut remedy) = (Vec::new(), Vec::new());
    for row in &holders {
        let (pid, table) = (text(row, 0).unwrap_or_default(), text(row, 2).unwrap_or_default());
        let age = text(row, 3).and_then(|seconds| seconds.parse::<u64>().ok());
        let idle = if text(row, 4).as_deref() == Some("t") { ", idle in its transaction" } else { "" };
        let since = match age {
            Some(age) if age < LONG && idle.is_empty() => continue,
            Some(age) => format!("for {}", humantime::format_duration(Duration::from_secs(age))),
            None => "for more than a second".to_owned(),
        };
        found.push(format!("session {pid} has held a lock on {table} {since}{idle}"));
        remedy.push(format!("wait until it ends, or end it: SELECT pg_terminate_backend({pid})"));
    }
    for gid in session.column(PREPARED)? {
        found.push(format!("the prepared transaction {gid} holds locks until it is ended"));
        remedy.push(format!("COMMIT PREPARED or ROLLBACK PREPARED {}", pgproof_sql::quote::literal(&gid)));
    }
    Ok(if found.is_empty() {
        Outcome::Fine("no transaction holds a lock for long".to_owned())
    } else {
        Outcome::Warning(Problem::new(format!("a migration would wait: {}", found.join("; ")), remedy))
    })
}
