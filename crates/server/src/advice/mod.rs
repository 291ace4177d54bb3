//! What to do about an error: the "Troubleshooting" and "Common Errors" sections of a database runbook. Here is what a
//! SQLSTATE alone says; `statement` knows the statement that failed, `connection` why there is no connection.

mod connection;
mod extensions;
mod statement;

pub use connection::for_connection;
pub use statement::for_statement;

/// What to do about an error with this SQLSTATE, one step per line; `None` if there is nothing to add to PostgreSQL's
/// own hint. A code takes precedence over its class.
pub fn for_sqlstate(code: &str) -> Option<&'static str> {
    let entry = |key: &str| ADVICE.iter().find(|(sqlstate, _)| *sqlstate == key).map(|(_, text)| *text);
    entry(code).or_else(|| entry(code.get(..2)?))
}

/// SQLSTATE or its class, and the advice. The codes are those of PostgreSQL's appendix "PostgreSQL Error Codes".
const ADVICE: &[(&str, &str)] = &[
    (
        "08",
        "check that the host name resolves (nslookup HOST) and that the host is reachable
check that no firewall or VPN blocks the connection",
    ),
    (
        "08P01",
        "a connection pooler may stand in between: connect to the server itself",
    ),
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
        "3D000",
        "check the name of the database in the connection string (psql -l lists them), or create it: CREATE DATABASE",
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
        "this server does not support it: compare the version of the server with the documentation of the command",
    ),
    (
        "25006",
        "the server is a standby, or the database or role is set to read-only: connect to the primary, and look at default_transaction_read_only",
    ),
    (
        "55P03",
        "another session holds the lock: SELECT pid, state, xact_start, query FROM pg_stat_activity shows which
wait for it or end it with SELECT pg_terminate_backend(PID), then run the statement again",
    ),
    (
        "57014",
        "the statement was cancelled, by a timeout or by a user
raise the timeout if the statement needs longer: SET statement_timeout = '5min'",
    ),
    (
        "57P03",
        "the server is starting up, shutting down or recovering: wait a moment and try again",
    ),
    (
        "53300",
        "close other sessions, or raise max_connections; a managed database shows its limit in its console
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
        for code in
            ["08001", "08006", "28P01", "28000", "42P07", "42701", "23505", "42501", "0A000", "57014", "53300", "53100"]
        {
            assert!(for_sqlstate(code).is_some(), "no advice for {code}");
        }
        assert_eq!(for_sqlstate("22012"), None);
    }
}
