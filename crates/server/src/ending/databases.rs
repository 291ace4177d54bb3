//! Removing the databases and roles of a run from an external server: the reaper's duty, and that of a later run.

use postgres::error::SqlState;
use std::time::{Duration, Instant};

use pgproof_sql::quote::{identifier, literal};

use crate::connection::Address;
use crate::ending::owner_tag::{Belongings, alone, databases_of, owners_of, sessions_of};
use crate::{DatabaseError, Session};

/// How long the sessions of an ended run may take to end.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// How long to wait before checking again for sessions of the run.
const SECOND_LOOK: Duration = Duration::from_millis(20);

/// Ends the sessions of a run on a server, drops its databases and roles, and waits until nothing is left: the reaper's
/// job. `roles` are those already known from an earlier attempt.
pub(crate) fn end(address: &Address, run: &str, roles: &mut Vec<String>) -> Result<(), DatabaseError> {
    let mut session = Session::open(address, address.maintenance())?;
    let started = Instant::now();
    // A statement that was running when the process died continues until it is terminated.
    let terminate = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {}", sessions_of(run));
    loop {
        while !session.rows(&terminate)?.is_empty() && started.elapsed() < END_DEADLINE {
            std::thread::sleep(Duration::from_millis(5));
        }
        alone(&mut session, |session| {
            // The owner tags disappear with the databases.
            roles.extend(Belongings::of_all(session)?.roles_noted(run));
            let databases = databases_of(session, run)?;
            remove(session, run, &databases, roles)
        })?;
        // A process of the run that has not noticed the end yet may have reconnected.
        std::thread::sleep(SECOND_LOOK);
        let is_clean = databases_of(&mut session, run)?.is_empty() && session.rows(&terminate)?.is_empty();
        if is_clean || started.elapsed() > END_DEADLINE {
            return Ok(());
        }
    }
}

/// Rolls back what PREPARE TRANSACTION left in a database, which could not be dropped otherwise.
fn end_prepared(session: &mut Session, database: &str) -> Result<(), DatabaseError> {
    let prepared = format!("SELECT gid FROM pg_prepared_xacts WHERE database = {}", literal(database));
    let prepared = session.column(&prepared)?;
    if prepared.is_empty() {
        return Ok(());
    }
    // Only a session with the same database may do it.
    let mut inside = Session::open(session.address(), database)?;
    prepared.iter().try_for_each(|gid| inside.run(&format!("ROLLBACK PREPARED {}", literal(gid))))
}

/// Drops the databases of an ended run, then the roles that its scripts created and no live run's scripts do.
pub(crate) fn remove(
    session: &mut Session,
    run: &str,
    databases: &[String],
    roles: &[String],
) -> Result<(), DatabaseError> {
    let mut roles = roles.to_vec();
    let owners = owners_of(session, run)?;
    for database in databases {
        end_prepared(session, database)?;
        // Sessions that others opened there (psql, say) end with it.
        session.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(database)))?;
    }
    for owner in &owners {
        // What it was granted on the server as a whole: a parameter.
        session.run(&format!("DROP OWNED BY {}", identifier(owner)))?;
    }
    roles.extend(owners);
    let found = Belongings::of_all(session)?;
    let others: Vec<&String> = found.living.iter().filter(|living| *living != run).collect();
    let mut left: Vec<&String> = roles.iter().collect();
    left.retain(|role| !others.iter().any(|other| found.roles_noted(other).contains(role)));
    left.sort();
    left.dedup();
    // One role may block another; a role that a foreign database depends on stays.
    loop {
        let mut failed = None;
        let before = left.len();
        left.retain(|role| match session.run(&format!("DROP ROLE IF EXISTS {}", identifier(role))) {
            Ok(()) => false,
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        match failed {
            Some(_) if left.len() < before => {}
            // 2BP01 dependent_objects_still_exist: it has been granted something in a foreign database.
            Some(error) if error.sqlstate() != Some(SqlState::DEPENDENT_OBJECTS_STILL_EXIST.code()) => {
                return Err(error);
            }
            _ => return Ok(()),
        }
    }
}
