//! Head-room: how many connections are left, and the size of the database.

use pgproof_server::{DatabaseError, Session};

use super::{Outcome, Problem, Unchecked};

/// How many connections a command uses at once beside its own: for the migrations' lock, and to cancel a statement.
const MORE: i64 = 2;

/// The limit for ordinary roles, connections in use; the limits of role and database, each with those in use, or -1.
/// Who may not see what a session does sees that it is there.
const CONNECTIONS: &str = include_str!("connections.sql");

/// The connections that are left to this role.
pub(super) fn connections(session: &mut Session) -> Result<Outcome, DatabaseError> {
    let row = session.rows(CONNECTIONS)?.into_iter().next().unwrap_or_default();
    let number = |at: usize| row.get(at).cloned().flatten().and_then(|text| text.parse().ok()).unwrap_or(0_i64);
    let limits = [
        ("the server", number(0), number(1)),
        ("the role", number(2), number(3)),
        ("the database", number(4), number(5)),
    ];
    let free = |(_, limit, used): &(&str, i64, i64)| (limit - used).max(0);
    let limited = limits.into_iter().filter(|(_, limit, _)| *limit >= 0);
    let Some(least) = limited.min_by_key(free) else { return Ok(Outcome::Fine("no limit".to_owned())) };
    let (whose, limit, _) = least;
    let free = free(&least);
    let are = if free == 1 { "is" } else { "are" };
    let found = format!("{free} of the {limit} that {whose} allows {are} free");
    Ok(if free < MORE {
        Outcome::Warning(Problem::new(
            format!("{found}, and pgproof needs {MORE} more"),
            [
                "close other sessions, or raise the limit (max_connections, or CONNECTION LIMIT of role and database)",
                "put a connection pooler such as PgBouncer in front of the applications that hold many",
            ],
        ))
    } else {
        Outcome::Fine(found)
    })
}

/// The size of the database. SQL does not know how much space is left.
pub(super) fn disk(session: &mut Session) -> Result<Outcome, DatabaseError> {
    let size = session.value("SELECT pg_size_pretty(pg_database_size(current_database()))")?.unwrap_or_default();
    Ok(Outcome::Unchecked(Unchecked::NotOverSql {
        known: format!("the database has {size}; SQL cannot ask how much space is free"),
        instead: "see the storage quota of a managed database, or run df on the server",
    }))
}
