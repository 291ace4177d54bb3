//! The roles that a dump mentions without creating them: owners, and those that are granted something.

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::{identifier, literal};
use serde::{Deserialize, Serialize};

/// A role that a dump mentions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MentionedRole {
    /// Its name.
    pub name: String,
    /// Whether row security does not apply to it: then the materialized views that it owns can be filled from tables whose
    /// row security is forced.
    pub bypasses_row_security: bool,
}

/// Roles on which something in the database, or the database itself, depends; and the owner of what the server's first user
/// made, on whom nothing is recorded to depend.
const MENTIONED: &str = "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname !~ '^pg_' AND oid IN (
    SELECT refobjid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND (
        dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        OR classid = 'pg_database'::regclass AND objid = (SELECT oid FROM pg_database WHERE datname = current_database()))
    UNION SELECT setrole FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION SELECT relowner FROM pg_class UNION SELECT nspowner FROM pg_namespace UNION SELECT proowner FROM pg_proc) ORDER BY 1";

/// The roles that a session's database mentions.
pub(super) fn mentioned(session: &mut Session) -> Result<Vec<MentionedRole>, DatabaseError> {
    let role = |row: Vec<Option<String>>| {
        let [Some(name), bypasses] = <[_; 2]>::try_from(row).ok()? else { return None };
        Some(MentionedRole { name, bypasses_row_security: bypasses.as_deref() == Some("t") })
    };
    Ok(session.rows(MENTIONED)?.into_iter().filter_map(role).collect())
}

/// Creates those of these roles that a disposable server has not, without the right to log in.
pub(super) fn create(session: &mut Session, roles: &[MentionedRole]) -> Result<(), DatabaseError> {
    for role in roles {
        let exists = format!("SELECT 1 FROM pg_roles WHERE rolname = {}", literal(&role.name));
        if session.value(&exists)?.is_none() {
            let bypasses = if role.bypasses_row_security { "BYPASSRLS" } else { "NOBYPASSRLS" };
            session.run(&format!("CREATE ROLE {} NOLOGIN {bypasses}", identifier(&role.name)))?;
        }
    }
    Ok(())
}
