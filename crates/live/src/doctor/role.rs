//! Attributes of the role that hide problems from whoever tries something as this role.

use pgproof_server::{DatabaseError, Session};

use super::{Outcome, Problem};

const ROLE: &str = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user";

/// Looks at the role.
pub(super) fn role(session: &mut Session) -> Result<Outcome, DatabaseError> {
    let row = session.rows(ROLE)?.into_iter().next().unwrap_or_default();
    let name = row.first().cloned().flatten().unwrap_or_default();
    let is = |at: usize| row.get(at).and_then(Option::as_deref) == Some("t");
    let ordinary = "migrate as the role that owns the tables, and check tenants as the role of the application";
    Ok(if is(1) {
        Outcome::Warning(Problem::new(
            format!(
                "{name} is a superuser: neither privileges nor row security apply to it, so a query shows all tenants' rows"
            ),
            [ordinary],
        ))
    } else if is(2) {
        Outcome::Warning(Problem::new(
            format!("{name} has BYPASSRLS: row security does not apply to it, so a query shows all tenants' rows"),
            [ordinary],
        ))
    } else {
        Outcome::Fine(format!("{name}, to which privileges and row security apply"))
    })
}
