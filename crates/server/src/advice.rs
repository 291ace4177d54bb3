//! What to do about an error, by SQLSTATE: the "Troubleshooting" and "Common Errors" sections of a database runbook as
//! one table. Errors without a code (no such host) have an entry of their own.

/// What to do about an error with this SQLSTATE, one step per line; `None` if there is nothing to add to PostgreSQL's
/// own hint. A code takes precedence over its class.
pub fn for_sqlstate(code: &str) -> Option<&'static str> {
    let entry = |key: &str| ADVICE.iter().find(|(sqlstate, _)| *sqlstate == key).map(|(_, text)| *text);
    entry(code).or_else(|| entry(code.get(..2)?))
}

/// What to do if there was no connection at all, and hence no SQLSTATE.
pub const NO_CONNECTION: &str = "check that the host name resolves (nslookup HOST) and that the host is reachable
check that no firewall or VPN blocks the connection";

/// SQLSTATE or its class, and the advice. The codes are those of PostgreSQL's appendix "PostgreSQL Error Codes".
const ADVICE: &[(&str, &str)] = &[
    ("08", NO_CONNECTION),
    (
        "28P01",
        "check user and password in the connection string
URL-encode special characters in the password
check that the user exists on this server",
    ),
    (
        "28000",
        "the server rejects this combination of user, database, address and encryption (pg_hba.conf)
if it requires SSL, add ?sslmode=require to the connection string",
    ),
    (
        "42P07",
        "the relation already exists: this migration, or a part of it, has run before
make the statement repeatable with IF NOT EXISTS, or roll back just this step and run it again",
    ),
    (
        "42701",
        "the column already exists
use ADD COLUMN IF NOT EXISTS, so that the file can be run again",
    ),
    (
        "42710",
        "the object already exists: this migration, or a part of it, has run before
use IF NOT EXISTS or CREATE OR REPLACE if the statement supports it, else DROP ... IF EXISTS before it or a guard in a DO block",
    ),
    (
        "42723",
        "the function already exists
use CREATE OR REPLACE FUNCTION, so that the file can be run again",
    ),
    (
        "23505",
        "the row already exists: check whether the seed has run before
make the seed repeatable with ON CONFLICT",
    ),
    (
        "42501",
        "check that the role may create and alter objects here
GRANT ALL ON SCHEMA public TO the role, or ask the administrator of a managed database
plans, tenants and users' rows are proven with triggers disabled: this requires a superuser, or
GRANT SET ON PARAMETER session_replication_role TO the role (15 or newer), or a server started by pgproof",
    ),
    (
        "0A000",
        "for an extension: see SELECT * FROM pg_available_extensions, and install the package that provides it (postgresql-contrib)",
    ),
    (
        "58P01",
        "for an extension: see SELECT * FROM pg_available_extensions, and install the package that provides it (postgresql-contrib)",
    ),
    (
        "57014",
        "the statement was cancelled, by a timeout or by a user
raise the timeout if the statement needs longer: SET statement_timeout = '5min'",
    ),
    (
        "53300",
        "close other sessions, or raise max_connections
put a connection pooler such as PgBouncer in front of a server with many clients",
    ),
    (
        "53100",
        "free or add disk space (on a managed database: check the storage quota)
drop databases and tables that are no longer needed",
    ),
    (
        "42P01",
        "the relation does not exist at this point: check the order of the migrations, the spelling and search_path",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_every_error_of_the_runbook() {
        for code in [
            "08001", "08006", "28P01", "28000", "42P07", "42701", "23505", "42501", "0A000", "58P01", "57014", "53300",
            "53100",
        ] {
            assert!(for_sqlstate(code).is_some(), "no advice for {code}");
        }
        assert_eq!(for_sqlstate("22012"), None);
    }
}
