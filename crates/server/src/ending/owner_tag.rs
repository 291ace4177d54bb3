//! How pgproof recognises its own databases and roles on an external server: database names, an owner tag (a database
//! comment), and an advisory lock that is held as long as its run lives (documentation, "Advisory Locks").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::DatabaseError;
use crate::Session;
use crate::connection::Address;
use pgproof_sql::quote::literal;

/// The first key of our advisory locks, "pgpf" in ASCII; the second is the run's number.
const LOCK_CLASS: i32 = 0x7067_7066;

/// The prefix of session names, before the run.
const SESSIONS: &str = "pgproof ";

/// The prefix of the comment, before the run.
const PREFIX: &str = "made by pgproof, run ";

/// The owner tag of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnerTag {
    /// The run: eight hexadecimal digits.
    pub run: String,
    /// The roles that scripts in the database create.
    pub roles: Vec<Role>,
}

/// A role, recorded before a script creates it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Role {
    /// Its name.
    pub name: String,
    /// Its OID, once it exists: a role of this name with another OID is not ours.
    pub oid: Option<u32>,
}

impl OwnerTag {
    /// The comment.
    pub(crate) fn text(&self) -> String {
        let roles = serde_json::to_string(&self.roles).unwrap_or_default();
        format!("{PREFIX}{}; roles {roles}", self.run)
    }

    /// Reads a comment.
    pub(crate) fn parse(comment: &str) -> Option<OwnerTag> {
        let (run, roles) = comment.strip_prefix(PREFIX)?.split_once("; roles ")?;
        Some(OwnerTag { run: run.to_owned(), roles: serde_json::from_str(roles).ok()? })
    }
}

/// What the runs of pgproof own on a server.
#[derive(Debug, Default)]
pub(crate) struct Belongings {
    /// The names of databases, by run; those with an owner tag last.
    pub databases: BTreeMap<String, Vec<String>>,
    /// The roles that each run's scripts create.
    roles: BTreeMap<String, Vec<Role>>,
    /// All existing roles.
    existing: Vec<Role>,
    /// Live runs.
    pub living: Vec<String>,
}

impl Belongings {
    /// Queries the server.
    pub(crate) fn of_all(session: &mut Session) -> Result<Belongings, DatabaseError> {
        let mut found = Belongings::default();
        let tagged = format!(
            "SELECT substr(datname, 9, 8), datname, CASE WHEN pg_get_userbyid(datdba) = current_user \
                THEN shobj_description(oid, 'pg_database') ELSE shobj_description(datdba, 'pg_authid') END \
             FROM pg_database WHERE datname ~ '^pgproof_[0-9a-f]{{8}}_' AND {} ORDER BY 3 NULLS FIRST, 2",
            belongs_to("substr(datname, 9, 8)")
        );
        for row in session.rows(&tagged)? {
            let mut row = row.into_iter();
            let (Some(run), Some(name)) = (row.next().flatten(), row.next().flatten()) else { continue };
            let tag = row.next().flatten().and_then(|comment| OwnerTag::parse(&comment)).filter(|tag| tag.run == run);
            if let Some(tag) = tag {
                found.roles.entry(run.clone()).or_default().extend(tag.roles);
            }
            found.databases.entry(run).or_default().push(name);
        }
        // Without an owner tag, a name proves nothing.
        found.databases.retain(|run, _| found.roles.contains_key(run));
        // An owner may be all that is left of its run.
        let owned = format!(
            "SELECT DISTINCT substr(comment, {}, 8) \
             FROM pg_roles, LATERAL (SELECT shobj_description(oid, 'pg_authid')) AS d (comment) WHERE comment ~ {}",
            PREFIX.len() + 1,
            literal(&format!("^{PREFIX}[0-9a-f]{{8}};"))
        );
        for run in session.column(&owned)? {
            found.databases.entry(run).or_default();
        }
        for row in session.rows("SELECT rolname, oid FROM pg_roles")? {
            let mut row = row.into_iter().flatten();
            if let (Some(name), oid) = (row.next(), row.next()) {
                found.existing.push(Role { name, oid: oid.and_then(|oid| oid.parse().ok()) });
            }
        }
        let living = format!(
            "SELECT DISTINCT lpad(to_hex(objid::bigint), 8, '0') FROM pg_locks \
             WHERE locktype = 'advisory' AND classid = {LOCK_CLASS}::oid AND objsubid = 2 AND granted"
        );
        found.living = session.column(&living)?;
        Ok(found)
    }

    /// The roles that a run's scripts create, or would create.
    pub(crate) fn roles_noted(&self, run: &str) -> Vec<String> {
        self.roles.get(run).into_iter().flatten().map(|role| role.name.clone()).collect()
    }

    /// The roles that a run's scripts created and that still exist. Another role of that name is not ours.
    pub(crate) fn roles_made(&self, run: &str) -> Vec<String> {
        let roles = self.roles.get(run).into_iter().flatten();
        roles.filter(|role| role.oid.is_some() && self.existing.contains(role)).map(|role| role.name.clone()).collect()
    }

    /// Whether a role exists and belongs to no run.
    pub(crate) fn is_foreign(&self, name: &str) -> bool {
        let is = |role: &Role| role.name == name;
        self.existing.iter().any(is) && !self.roles.values().flatten().any(is)
    }

    /// The OID of a role, if it exists.
    pub(crate) fn oid(&self, name: &str) -> Option<u32> {
        self.existing.iter().find(|role| role.name == name)?.oid
    }

    /// The runs that have databases but are not alive.
    pub(crate) fn dead(&self) -> Vec<String> {
        self.databases.keys().filter(|run| !self.living.contains(run)).cloned().collect()
    }
}

/// The databases named after a run, tagged or not: for callers that know the run is their own.
pub(crate) fn databases_of(session: &mut Session, run: &str) -> Result<Vec<String>, DatabaseError> {
    let sql = format!(
        "SELECT datname FROM pg_database WHERE datname ~ {} AND {} ORDER BY 1",
        literal(&format!("^pgproof_{run}_")),
        belongs_to(&literal(run))
    );
    session.column(&sql)
}

/// A condition on pg_database: the owner is the current user, or a role that is tagged as one of the run. A database's
/// owner may comment on it, but not on itself.
fn belongs_to(run: &str) -> String {
    format!(
        "(pg_get_userbyid(datdba) = current_user \
          OR starts_with(shobj_description(datdba, 'pg_authid'), {} || {run} || ';'))",
        literal(PREFIX)
    )
}

/// The roles of a run that own databases, and the roles that those have created: since PostgreSQL 16 a role has the ADMIN
/// option for what it creates, and cannot give it up.
pub(crate) fn owners_of(session: &mut Session, run: &str) -> Result<Vec<String>, DatabaseError> {
    let sql = format!(
        "WITH RECURSIVE owned AS ( \
             SELECT oid FROM pg_roles WHERE starts_with(shobj_description(oid, 'pg_authid'), {tag}) \
             UNION SELECT m.roleid FROM owned JOIN pg_auth_members m ON m.member = owned.oid AND m.admin_option) \
         SELECT rolname FROM owned JOIN pg_roles USING (oid)",
        tag = literal(&format!("{PREFIX}{run};"))
    );
    session.column(&sql)
}

/// Acquires the lock of a run for as long as the session lives; false if another session holds it.
pub(crate) fn live(session: &mut Session, run: &str) -> Result<bool, DatabaseError> {
    let sql = format!("SELECT pg_try_advisory_lock({LOCK_CLASS}, {})", number(run));
    Ok(session.value(&sql)?.as_deref() == Some("t"))
}

/// Runs `act` while no other run starts or removes anything.
pub(crate) fn alone<T>(
    session: &mut Session,
    act: impl FnOnce(&mut Session) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    session.run(&format!("SELECT pg_advisory_lock({LOCK_CLASS}, 0)"))?;
    let result = act(session);
    session.run(&format!("SELECT pg_advisory_unlock({LOCK_CLASS}, 0)"))?;
    result
}

/// A condition on pg_stat_activity: the sessions of a run, except the current one.
pub(crate) fn sessions_of(run: &str) -> String {
    format!("application_name = {} AND pid <> pg_backend_pid()", literal(&application_name(run)))
}

/// The application name of a run's sessions.
pub(crate) fn application_name(run: &str) -> String {
    format!("{SESSIONS}{run}")
}

/// The run whose sessions use this address; none on a server of our own.
pub(crate) fn run_of(address: &Address) -> Option<&str> {
    address.get("application_name")?.strip_prefix(SESSIONS)
}

/// The run as the signed key of its lock.
fn number(run: &str) -> i32 {
    u32::from_str_radix(run, 16).unwrap_or_default().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_tag_round_trips_and_nothing_else_parses_as_one() {
        let tag = OwnerTag {
            run: "0123abcd".to_owned(),
            roles: vec![Role { name: "shop \"app\"".to_owned(), oid: Some(16_385) }],
        };
        assert_eq!(OwnerTag::parse(&tag.text()), Some(tag));
        for other in ["", "made by pgproof", "made by hand, run 0123abcd; roles []", "made by pgproof, run 0123abcd"] {
            assert_eq!(OwnerTag::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_run_is_the_key_of_its_lock() {
        assert_eq!(number("0000000a"), 10);
        assert_eq!(number("ffffffff"), -1);
    }
}
