//! How what is ours on a borrowed server is told from what is not: the names of databases, a comment on one of them, and
//! an advisory lock that lives as long as its run (documentation, "Advisory Locks").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::DatabaseError;
use crate::Session;
use crate::connection::Address;
use pgproof_sql::quote::literal;

/// The first key of our advisory locks, "pgpf" in ASCII; the second is the run's number.
const LOCK_CLASS: i32 = 0x7067_7066;

/// What the names of sessions begin with, before the run.
const SESSIONS: &str = "pgproof ";

/// What the comment begins with, before the run.
const PREFIX: &str = "made by pgproof, run ";

/// The owner mark of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The run: eight hexadecimal digits.
    pub run: String,
    /// The roles that a script in the database makes.
    pub roles: Vec<Role>,
}

/// A role that is noted before a script makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Role {
    /// Its name.
    pub name: String,
    /// Its OID, once it is there: another role of this name is another's.
    pub oid: Option<u32>,
}

impl Mark {
    /// The comment.
    pub(crate) fn text(&self) -> String {
        let roles = serde_json::to_string(&self.roles).unwrap_or_default();
        format!("{PREFIX}{}; roles {roles}", self.run)
    }

    /// Reads a comment.
    pub(crate) fn parse(comment: &str) -> Option<Mark> {
        let (run, roles) = comment.strip_prefix(PREFIX)?.split_once("; roles ")?;
        Some(Mark { run: run.to_owned(), roles: serde_json::from_str(roles).ok()? })
    }
}

/// What the runs of pgproof have on a server.
#[derive(Debug, Default)]
pub(crate) struct Belongings {
    /// The names of databases, by run; the marked ones last.
    pub databases: BTreeMap<String, Vec<String>>,
    /// The roles that each run's scripts make.
    roles: BTreeMap<String, Vec<Role>>,
    /// All roles that there are.
    there: Vec<Role>,
    /// Runs that live.
    pub living: Vec<String>,
}

impl Belongings {
    /// Looks.
    pub(crate) fn of_all(session: &mut Session) -> Result<Belongings, DatabaseError> {
        let mut found = Belongings::default();
        let marked = "SELECT substr(datname, 9, 8), datname, shobj_description(oid, 'pg_database') FROM pg_database \
                      WHERE datname ~ '^pgproof_[0-9a-f]{8}_' AND pg_get_userbyid(datdba) = current_user \
                      ORDER BY 3 NULLS FIRST, 2";
        for row in session.rows(marked)? {
            let mut row = row.into_iter();
            let (Some(run), Some(name)) = (row.next().flatten(), row.next().flatten()) else { continue };
            let mark = row.next().flatten().and_then(|comment| Mark::parse(&comment)).filter(|mark| mark.run == run);
            if let Some(mark) = mark {
                found.roles.entry(run.clone()).or_default().extend(mark.roles);
            }
            found.databases.entry(run).or_default().push(name);
        }
        // Without a mark a name proves nothing.
        found.databases.retain(|run, _| found.roles.contains_key(run));
        for row in session.rows("SELECT rolname, oid FROM pg_roles")? {
            let mut row = row.into_iter().flatten();
            if let (Some(name), oid) = (row.next(), row.next()) {
                found.there.push(Role { name, oid: oid.and_then(|oid| oid.parse().ok()) });
            }
        }
        let living = format!(
            "SELECT DISTINCT lpad(to_hex(objid::bigint), 8, '0') FROM pg_locks \
             WHERE locktype = 'advisory' AND classid = {LOCK_CLASS}::oid AND objsubid = 2 AND granted"
        );
        found.living = session.column(&living)?;
        Ok(found)
    }

    /// The roles that a run's scripts make, or would.
    pub(crate) fn roles_noted(&self, run: &str) -> Vec<String> {
        self.roles.get(run).into_iter().flatten().map(|role| role.name.clone()).collect()
    }

    /// The roles that a run's scripts have made and that are there still. One of the same name may be another's by now.
    pub(crate) fn roles_made(&self, run: &str) -> Vec<String> {
        let roles = self.roles.get(run).into_iter().flatten();
        roles.filter(|role| role.oid.is_some() && self.there.contains(role)).map(|role| role.name.clone()).collect()
    }

    /// Whether a role is there, and no run's.
    pub(crate) fn is_somebodys(&self, name: &str) -> bool {
        let is = |role: &Role| role.name == name;
        self.there.iter().any(is) && !self.roles.values().flatten().any(is)
    }

    /// The OID of a role, if it is there.
    pub(crate) fn oid(&self, name: &str) -> Option<u32> {
        self.there.iter().find(|role| role.name == name)?.oid
    }

    /// The runs that have databases and do not live.
    pub(crate) fn dead(&self) -> Vec<String> {
        self.databases.keys().filter(|run| !self.living.contains(run)).cloned().collect()
    }
}

/// The databases that have the name of a run's, marked or not: for those who know that the run is theirs.
pub(crate) fn databases_of(session: &mut Session, run: &str) -> Result<Vec<String>, DatabaseError> {
    let sql = format!(
        "SELECT datname FROM pg_database WHERE datname ~ {} AND pg_get_userbyid(datdba) = current_user ORDER BY 1",
        literal(&format!("^pgproof_{run}_"))
    );
    session.column(&sql)
}

/// Takes the lock of a run for as long as the session lives; false if another has it.
pub(crate) fn live(session: &mut Session, run: &str) -> Result<bool, DatabaseError> {
    let sql = format!("SELECT pg_try_advisory_lock({LOCK_CLASS}, {})", number(run));
    Ok(session.value(&sql)?.as_deref() == Some("t"))
}

/// Does something while no other run begins or removes anything.
pub(crate) fn alone<T>(
    session: &mut Session,
    act: impl FnOnce(&mut Session) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    session.run(&format!("SELECT pg_advisory_lock({LOCK_CLASS}, 0)"))?;
    let result = act(session);
    session.run(&format!("SELECT pg_advisory_unlock({LOCK_CLASS}, 0)"))?;
    result
}

/// The sessions of a run, but for the one that asks, as a condition on pg_stat_activity.
pub(crate) fn sessions_of(run: &str) -> String {
    format!("application_name = {} AND pid <> pg_backend_pid()", literal(&application_name(run)))
}

/// What the sessions of a run are called.
pub(crate) fn application_name(run: &str) -> String {
    format!("{SESSIONS}{run}")
}

/// The run whose sessions have this address; none if the server is ours.
pub(crate) fn run_of(address: &Address) -> Option<&str> {
    address.get("application_name")?.strip_prefix(SESSIONS)
}

/// The run as the signed number that the lock takes.
fn number(run: &str) -> i32 {
    u32::from_str_radix(run, 16).unwrap_or_default().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_nothing_else_is_one() {
        let mark = Mark {
            run: "0123abcd".to_owned(),
            roles: vec![Role { name: "shop \"app\"".to_owned(), oid: Some(16_385) }],
        };
        assert_eq!(Mark::parse(&mark.text()), Some(mark));
        for other in ["", "made by pgproof", "made by hand, run 0123abcd; roles []", "made by pgproof, run 0123abcd"] {
            assert_eq!(Mark::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_run_is_the_number_of_its_lock() {
        assert_eq!(number("0000000a"), 10);
        assert_eq!(number("ffffffff"), -1);
    }
}
