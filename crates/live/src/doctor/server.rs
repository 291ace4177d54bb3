//! The server: its version, and whether it and the session accept writes.

use pgproof_runner::Schema;
use pgproof_server::{DatabaseError, NEWEST_MAJOR, OLDEST_MAJOR, Session, Version};
use pgproof_sql::Identifier;

use super::{Outcome, Problem};
use crate::Target;

/// Whether it is a standby, whether transactions are read-only from the beginning, and who says so.
const WRITABLE: &str = "SELECT pg_is_in_recovery(), setting, source FROM pg_settings
    WHERE name = 'default_transaction_read_only'";

/// The version, against what pgproof supports and the schema demands.
pub(super) fn version(session: &mut Session, schema: &Schema) -> Result<Outcome, DatabaseError> {
    let version = Version::of(session)?;
    let least = schema.minimum_major.unwrap_or(OLDEST_MAJOR).max(OLDEST_MAJOR);
    Ok(if version.major < least {
        let demands = if least > OLDEST_MAJOR { format!("schema {}", schema.name) } else { "pgproof".to_owned() };
        Outcome::Problem(Problem::new(
            format!("PostgreSQL {version}, but {demands} needs {least} or newer"),
            ["upgrade the server (pg_upgrade, or the console of a managed database)"],
        ))
    } else if version.major > NEWEST_MAJOR {
        Outcome::Warning(Problem::new(
            format!("PostgreSQL {version} is newer than {NEWEST_MAJOR}, the newest that pgproof knows"),
            ["look for a newer pgproof"],
        ))
    } else {
        Outcome::Fine(format!("PostgreSQL {version}; {least} or newer is needed"))
    })
}

/// Whether it accepts writes.
pub(super) fn writable(session: &mut Session, target: &Target) -> Result<Outcome, DatabaseError> {
    let row = session.rows(WRITABLE)?.into_iter().next().unwrap_or_default();
    let text = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
    if text(0) == "t" {
        return Ok(Outcome::Problem(Problem::new(
            "a standby, which is read-only",
            [
                "connect to the primary; with several hosts in the connection string, add target_session_attrs=read-write",
            ],
        )));
    }
    if text(1) != "on" {
        return Ok(Outcome::Fine("the primary, which accepts writes".to_owned()));
    }
    let database = Identifier::new(target.database()).sql();
    let role = Identifier::new(target.address.get("user").unwrap_or_default()).sql();
    let who = match text(2) {
        "database" => format!("ALTER DATABASE {database} RESET default_transaction_read_only"),
        "user" => format!("ALTER ROLE {role} RESET default_transaction_read_only"),
        "database user" => format!("ALTER ROLE {role} IN DATABASE {database} RESET default_transaction_read_only"),
        "client" => "remove default_transaction_read_only from `options` in the connection string, and from PGOPTIONS"
            .to_owned(),
        _ => "set default_transaction_read_only = off in the server's configuration".to_owned(),
    };
    Ok(Outcome::Problem(Problem::new(
        "default_transaction_read_only is on, so every transaction is read-only",
        [who, "some managed databases set it while their storage is full: look at the storage first".to_owned()],
    )))
}
