//! The roles that a dump mentions without creating them: owners, and those that are granted something.

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::{identifier, literal};

/// Roles on which something in the database, or the database itself, depends; and the owner of what the server's first user
/// made, on whom nothing is recorded to depend.
const MENTIONED: &str = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND oid IN (
    SELECT refobjid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND (
        dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        OR classid = 'pg_database'::regclass AND objid = (SELECT oid FROM pg_database WHERE datname = current_database()))
    UNION SELECT setrole FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION SELECT relowner FROM pg_class UNION SELECT nspowner FROM pg_namespace UNION SELECT proowner FROM pg_proc) ORDER BY 1";

/// The roles that a session's database mentions.
pub(super) fn mentioned(session: &mut Session) -> Result<Vec<String>, DatabaseError> {
    session.column(MENTIONED)
}

/// Creates those of these roles that a disposable server has not, without the right to log in.
pub(super) fn create(session: &mut Session, roles: &[String]) -> Result<(), DatabaseError> {
    for role in roles {
        let exists = format!("SELECT 1 FROM pg_roles WHERE rolname = {}", literal(role));
        if session.value(&exists)?.is_none() {
            session.run(&format!("CREATE ROLE {} NOLOGIN", identifier(role)))?;
        }
    }
    Ok(())
}
