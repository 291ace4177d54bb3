//! Puts a restored database in the place of the old one. Both are renamed in one transaction, so that whatever happens, there
//! is a database of that name: the old one until then, the restored one from then on.
//!
//! (Documentation, "ALTER DATABASE": whoever renames a database owns it and has CREATEDB, and is connected to another one;
//! nobody may be connected to it.)

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pgproof_server::{DatabaseError, Session, SqlState, Version};
use pgproof_sql::quote::{identifier, literal};

use super::dump::Step;
use super::{Backup, BackupError, RestoreOptions, Restored};
use crate::Target;

/// The longest name that PostgreSQL does not truncate.
const LONGEST_NAME: usize = 63;

/// How often the sessions of the old database are ended.
const OFTEN: Duration = Duration::from_millis(50);

/// The part of a new database's name that says what it is.
const RESTORED: &str = "_restored_";

/// A restore that may be carried out.
#[derive(Debug)]
pub struct Replacement<'a> {
    target: &'a Target,
    backup: &'a Backup,
    version: Version,
    /// Where to be connected meanwhile.
    maintenance: &'static str,
    new: String,
    /// The name under which the old database stays.
    pub kept: String,
    /// How many sessions with the old database there are.
    pub sessions: u64,
    /// Databases that are left of restores that were killed.
    pub left: Vec<String>,
}

/// A database that was replaced.
#[derive(Debug)]
pub struct Replaced {
    /// The statements that put the old one back, for a session with another database.
    pub back: String,
    /// The statement that drops the old one.
    pub drop: String,
    /// The database that such a session may be connected to.
    pub maintenance: &'static str,
}

impl<'a> Replacement<'a> {
    /// Looks whether a database may be replaced by a backup, and changes nothing.
    pub fn of(target: &'a Target, backup: &'a Backup) -> Result<Replacement<'a>, BackupError> {
        let database = target.database();
        let unchanged = |source| BackupError::Unchanged {
            action: format!("restore {target}"),
            database: database.to_owned(),
            source,
        };
        // It must exist: a database of its name is about to be kept.
        drop(target.reader().map_err(unchanged)?);
        let (mut session, maintenance) = elsewhere(target).map_err(unchanged)?;
        let version = Version::of(&mut session).map_err(unchanged)?;
        demand_privileges(&mut session, database).map_err(unchanged)??;
        let time =
            session.value("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD\"T\"HH24MISS')").map_err(unchanged)?;
        let time = time.unwrap_or_default();
        let taken = session.column("SELECT datname FROM pg_database").map_err(unchanged)?;
        let named = |what: &str| free_name(database, &format!("{what}{time}"), &taken);
        let left = format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, {}) ORDER BY 1",
            literal(&format!("{database}{RESTORED}"))
        );
        let left = session.column(&left).map_err(unchanged)?;
        let sessions = session
            .value(&format!("SELECT count(*) {}", sessions_with("datname", &literal(database))))
            .map_err(unchanged)?;
        Ok(Replacement {
            target,
            backup,
            version,
            maintenance,
            new: named(RESTORED),
            kept: named("_before_"),
            sessions: sessions.and_then(|count| count.parse().ok()).unwrap_or(0),
            left,
        })
    }

    /// Restores the backup in a new database beside the old one. What it lacks is in its `findings`; then it must not replace
    /// anything.
    pub fn make(&self, options: &RestoreOptions, step: &mut dyn FnMut(Step)) -> Result<Restored, BackupError> {
        let major = self.version.major;
        Restored::new(&self.target.address, self.maintenance, &self.new, self.backup, options, major, step)
    }

    /// Ends the sessions with the old database and gives both their new names. Afterwards the old one has its name, or the
    /// restored one has.
    pub fn swap(&self, restored: Restored) -> Result<Replaced, BackupError> {
        let database = self.target.database();
        let unchanged = |source| BackupError::Unchanged {
            action: format!("put the restored database in the place of {}", self.target),
            database: database.to_owned(),
            source,
        };
        let (mut session, maintenance) = elsewhere(self.target).map_err(unchanged)?;
        let rename = |from: &str, to: &str| format!("ALTER DATABASE {} RENAME TO {}", identifier(from), identifier(to));
        let both = format!(
            "BEGIN; SET LOCAL lock_timeout = '10s'; {}; {}; COMMIT",
            rename(database, &self.kept),
            rename(restored.name(), database)
        );
        // By its OID: the name is about to be another database's.
        let oid = session.value(&format!("SELECT oid FROM pg_database WHERE datname = {}", literal(database)));
        let oid = oid.map_err(unchanged)?.unwrap_or_default();
        let sessions = format!("SELECT pid, usename {}", sessions_with("datid", &oid));
        let (mut ending, _) = elsewhere(self.target).map_err(unchanged)?;
        let has_ended = AtomicBool::new(false);
        let (renamed, remaining) = std::thread::scope(|scope| {
            // The first rename locks the database for new sessions, and waits some seconds for the end of those that are there.
            let ending = scope.spawn(|| {
                let mut remaining = end(&mut ending, &sessions)?;
                while !has_ended.load(Ordering::Relaxed) {
                    remaining = end(&mut ending, &sessions)?;
                    std::thread::sleep(OFTEN);
                }
                Ok::<_, DatabaseError>(remaining)
            });
            let renamed = session.run(&both);
            has_ended.store(true, Ordering::Relaxed);
            (renamed, ending.join().unwrap_or(Ok(Vec::new())))
        });
        match (renamed, remaining) {
            (Ok(()), _) => {}
            (Err(error), Ok(of)) if error.sqlstate() == Some(SqlState::OBJECT_IN_USE.code()) && !of.is_empty() => {
                let role = self.target.address.get("user").unwrap_or_default().to_owned();
                return Err(BackupError::Sessions { database: database.to_owned(), role, of });
            }
            (Err(error), _) => return Err(unchanged(error)),
        }
        let new = restored.keep();
        Ok(Replaced {
            back: format!("{}; {};", rename(database, &new), rename(&self.kept, database)),
            drop: format!("DROP DATABASE {};", identifier(&self.kept)),
            maintenance,
        })
    }
}

/// A name that no database has: that of a database, which may be cut, an end, and if need be a number.
fn free_name(database: &str, end: &str, taken: &[String]) -> String {
    let cut = |end: String| {
        let mut begin = database.to_owned();
        while begin.len() + end.len() > LONGEST_NAME {
            begin.pop();
        }
        begin + &end
    };
    let numbered = (2..).map(|number| cut(format!("{end}_{number}")));
    let mut names = std::iter::once(cut(end.to_owned())).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

/// Ends sessions. Returns the roles of those that it may not end: a superuser's only a superuser may.
fn end(session: &mut Session, sessions: &str) -> Result<Vec<String>, DatabaseError> {
    let mut remaining = Vec::new();
    for row in session.rows(sessions)? {
        let [Some(pid), role] = row.as_slice() else { continue };
        match session.run(&format!("SELECT pg_terminate_backend({pid})")) {
            Err(error) if error.sqlstate() == Some(SqlState::INSUFFICIENT_PRIVILEGE.code()) => {
                remaining.push(role.clone().unwrap_or_default());
            }
            other => other?,
        }
    }
    remaining.sort();
    remaining.dedup();
    Ok(remaining)
}

/// A session of the same role with another database of the server, and which one that is.
fn elsewhere(target: &Target) -> Result<(Session, &'static str), DatabaseError> {
    let others = ["postgres", "template1"].into_iter().filter(|name| *name != target.database());
    let mut failed = None;
    for name in others {
        match Session::open(&target.address, name) {
            Ok(session) => return Ok((session, name)),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    // There is always one other than the target.
    Err(failed.unwrap_or(DatabaseError::Silent { waited: Duration::ZERO }))
}

/// The sessions of clients with a database, as a FROM clause. The kind of another role's session may be hidden.
fn sessions_with(column: &str, value: &str) -> String {
    format!(
        "FROM pg_stat_activity WHERE {column} = {value} AND pid <> pg_backend_pid() \
         AND coalesce(backend_type, 'client backend') = 'client backend'"
    )
}

/// Fails if the session's role may not create a database or rename this one.
fn demand_privileges(session: &mut Session, database: &str) -> Result<Result<(), BackupError>, DatabaseError> {
    let sql = format!(
        "SELECT r.rolname, r.rolsuper OR r.rolcreatedb, r.rolsuper OR pg_has_role(d.datdba, 'USAGE'), pg_get_userbyid(d.datdba) \
         FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = {}",
        literal(database)
    );
    let row: Vec<String> = session.rows(&sql)?.into_iter().flatten().flatten().collect();
    let [role, may_create, owns, owner] = row.as_slice() else {
        return Err(DatabaseError::Answer { query: sql, problem: format!("{row:?}") });
    };
    let refused = |lacks: String, statement: String| {
        Ok(Err(BackupError::NotAllowed { role: role.clone(), database: database.to_owned(), lacks, statement }))
    };
    if may_create != "t" {
        return refused("may not create databases".to_owned(), format!("ALTER ROLE {} CREATEDB", identifier(role)));
    }
    if owns != "t" {
        let grant = format!("GRANT {} TO {}", identifier(owner), identifier(role));
        return refused(format!("is not a member of its owner, {owner}"), grant);
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_free_and_never_truncated() {
        let name = free_name("shop", "_before_1", &["shop_before_1".to_owned()]);
        assert_eq!(name, "shop_before_1_2");
        let long = free_name(&"é".repeat(31), "_before_1", &[]);
        assert!(long.len() <= LONGEST_NAME && long.starts_with("éé") && long.ends_with("é_before_1"), "{long}");
    }
}
