//! Logging in, as the commands that change the database do. Failures are distinguished by kind, each with what to do.

use pgproof_server::advice::for_connection;
use pgproof_server::connection::ConnectionFailure;
use pgproof_server::{DatabaseError, Session};

use super::{Check, Outcome, Problem, Subject};
use crate::Target;

/// Makes the session unable to change anything, once it is known whether it could.
pub(super) const READ_ONLY: &str = "SET default_transaction_read_only = on; SET lock_timeout = '2s'";

/// Whether the session is encrypted, its TLS version, and whether it leaves this machine.
const SESSION: &str = "SELECT coalesce(ssl, false), version, inet_server_addr() IS NOT NULL
    AND NOT inet_server_addr() <<= inet '127.0.0.0/8' AND host(inet_server_addr()) <> '::1'
    FROM (SELECT pg_backend_pid() AS pid) p LEFT JOIN pg_stat_ssl USING (pid)";

/// A database that cannot be reached: why, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {target}: {}\nadvice: {}", said(*.failure, .error), .remedy.join("\n        "))]
pub struct Unreachable {
    /// The database.
    pub target: String,
    /// Why, for code.
    pub failure: ConnectionFailure,
    /// What to do, one step each.
    pub remedy: Vec<String>,
    /// The error. It is no source of this one: what it says is said here, and its own advice knows less.
    pub error: DatabaseError,
}

impl Unreachable {
    /// The error of a connection to this database.
    pub fn new(target: &Target, error: DatabaseError) -> Unreachable {
        let failure = ConnectionFailure::of(&error, &target.address);
        let remedy = for_connection(failure, &target.address, target.database());
        Unreachable { target: target.to_string(), failure, remedy, error }
    }
}

/// Opens the session that all checks use.
pub(super) fn open(target: &Target) -> Result<(Session, Check), Box<Check>> {
    let opened = target.writer().and_then(|mut session| {
        let rows = session.rows(SESSION)?;
        Ok((session, rows.into_iter().next().unwrap_or_default()))
    });
    let check = |outcome| Check { subject: Subject::Connection, outcome };
    match opened {
        Ok((session, row)) => Ok((session, check(encryption(target, &row)))),
        Err(error) => {
            let Unreachable { failure, remedy, error, .. } = Unreachable::new(target, error);
            let problem = Problem { found: said(failure, &error), remedy, failure: Some(failure) };
            Err(Box::new(check(Outcome::Problem(problem))))
        }
    }
}

fn encryption(target: &Target, row: &[Option<String>]) -> Outcome {
    let is = |at: usize| row.get(at).and_then(Option::as_deref) == Some("t");
    let version = row.get(1).and_then(Option::as_deref).unwrap_or("TLS");
    let verified = matches!(target.address.get("sslmode"), Some("verify-full"));
    match (is(0), is(2)) {
        (true, _) if verified => Outcome::Fine(format!("encrypted ({version}), certificate verified")),
        (true, _) => {
            Outcome::Fine(format!("encrypted ({version}); sslmode=verify-full would verify the certificate too"))
        }
        (false, true) => Outcome::Warning(Problem::new(
            "not encrypted: whoever is on the network can read what is sent",
            ["add ?sslmode=require to the connection string, or enable ssl on the server"],
        )),
        (false, false) => Outcome::Fine("on this machine, not encrypted".to_owned()),
    }
}

/// Why it failed, in a few words, with PostgreSQL's message where there is one.
fn said(failure: ConnectionFailure, error: &DatabaseError) -> String {
    let why = match failure {
        ConnectionFailure::HostUnknown => "the host name does not resolve",
        ConnectionFailure::Refused => "no server listens there",
        ConnectionFailure::Unreachable => "the host does not answer",
        ConnectionFailure::Silent => "it accepts connections, but does not answer",
        ConnectionFailure::NoTls => "the server does not offer encryption",
        ConnectionFailure::CertificateUntrusted => "the server's certificate is not signed by a trusted authority",
        ConnectionFailure::CertificateName => "the server's certificate is for another host name",
        ConnectionFailure::CertificateExpired => "the server's certificate is not valid now",
        ConnectionFailure::Tls => "encryption cannot be agreed on",
        ConnectionFailure::PasswordMissing => "the server wants a password, and none is given",
        ConnectionFailure::PasswordWrong => "wrong password, or no such role",
        ConnectionFailure::NotAdmitted => "pg_hba.conf does not admit this host, role, database and encryption",
        ConnectionFailure::RoleUnknown => "there is no such role, or it may not log in",
        ConnectionFailure::DatabaseUnknown => "there is no such database",
        ConnectionFailure::MayNotConnect => "the role may not connect to this database",
        ConnectionFailure::TooMany => "all connections are in use",
        ConnectionFailure::NotReady => "the server is starting up or shutting down",
        ConnectionFailure::Pooler => "a connection pooler rejects the settings of the session",
        _ => return brief(error),
    };
    match error.reported() {
        Some(_) => format!("{why}\n{}", brief(error)),
        None => why.to_owned(),
    }
}

/// The message without the advice that does not know where the connection led.
fn brief(error: &DatabaseError) -> String {
    error
        .reported()
        .map_or_else(|| pgproof_sql::with_causes(error), |report| format!("{}: {}", report.condition(), report.message))
}
