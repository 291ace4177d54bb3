//! Why a connection failed, told apart by the kind of error and by SQLSTATE. What to do about it is in `advice`.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use postgres::error::SqlState;
use rustls::CertificateError;

use super::Address;
use crate::{DatabaseError, Reported};

/// Why a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionFailure {
    /// The host name does not resolve.
    HostUnknown,
    /// Nothing listens on the port, or in the directory of the socket.
    Refused,
    /// The host does not answer, or there is no route to it.
    Unreachable,
    /// It accepts connections, but sends nothing.
    Silent,
    /// `sslmode` demands encryption, which the server does not offer.
    NoTls,
    /// No trusted authority signed the server's certificate.
    CertificateUntrusted,
    /// The server's certificate is for another host name.
    CertificateName,
    /// The server's certificate has expired, or is not valid yet.
    CertificateExpired,
    /// Encryption cannot be agreed on.
    Tls,
    /// The server wants a password, and none is given.
    PasswordMissing,
    /// The password is wrong, or there is no such role: the server does not say which.
    PasswordWrong,
    /// No line of `pg_hba.conf` admits this combination of host, role, database and encryption.
    NotAdmitted,
    /// There is no such role, or it may not log in.
    RoleUnknown,
    /// There is no such database.
    DatabaseUnknown,
    /// The role may not connect to the database.
    MayNotConnect,
    /// All connections are in use, or those that are left are reserved.
    TooMany,
    /// The server is starting up, shutting down or recovering.
    NotReady,
    /// A connection pooler rejects the settings with which a session begins.
    Pooler,
    /// Anything else.
    Other,
}

/// How long to wait for an answer about encryption.
const PROBE_DEADLINE: Duration = Duration::from_secs(5);

impl ConnectionFailure {
    /// Tells why a connection to `address` failed with `error`.
    ///
    /// Where the driver's error does not say it by its type, the host name is resolved once more, or the server is asked
    /// whether it offers encryption.
    pub fn of(error: &DatabaseError, address: &Address) -> ConnectionFailure {
        match error {
            DatabaseError::Reported(report) => reported(report),
            DatabaseError::Silent { .. } => ConnectionFailure::Silent,
            DatabaseError::Connection(error) => unreported(error, address),
            _ => ConnectionFailure::Other,
        }
    }
}

fn reported(report: &Reported) -> ConnectionFailure {
    const TABLE: &[(SqlState, ConnectionFailure)] = &[
        (SqlState::INVALID_PASSWORD, ConnectionFailure::PasswordWrong),
        (SqlState::INVALID_CATALOG_NAME, ConnectionFailure::DatabaseUnknown),
        (SqlState::INSUFFICIENT_PRIVILEGE, ConnectionFailure::MayNotConnect),
        (SqlState::TOO_MANY_CONNECTIONS, ConnectionFailure::TooMany),
        (SqlState::CANNOT_CONNECT_NOW, ConnectionFailure::NotReady),
        (SqlState::ADMIN_SHUTDOWN, ConnectionFailure::NotReady),
        // PostgreSQL itself has other codes for unknown settings.
        (SqlState::PROTOCOL_VIOLATION, ConnectionFailure::Pooler),
    ];
    if report.has(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) {
        // One code for two causes; the function of the source that raised it differs (`postinit.c`, `miscinit.c`).
        return match report.routine.as_deref() {
            Some("InitializeSessionUserId") => ConnectionFailure::RoleUnknown,
            _ => ConnectionFailure::NotAdmitted,
        };
    }
    TABLE.iter().find(|(state, _)| report.has(state)).map_or(ConnectionFailure::Other, |(_, failure)| *failure)
}

fn unreported(error: &postgres::Error, address: &Address) -> ConnectionFailure {
    let mut cause = error.source();
    let mut of_network = None;
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return encryption(tls);
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            // rustls reports through errors of the network.
            if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                return encryption(tls);
            }
            of_network = of_network.or(Some(error.kind()));
        }
        cause = error.source();
    }
    match of_network {
        Some(
            ErrorKind::ConnectionRefused
            | ErrorKind::NotFound
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied,
        ) => ConnectionFailure::Refused,
        Some(ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            ConnectionFailure::Unreachable
        }
        Some(_) if !resolves(address) => ConnectionFailure::HostUnknown,
        // A driver's error without a cause in the network: what it missed is asked for.
        None if wants_tls(address) && !error.is_closed() && offers_tls(address) == Some(false) => {
            ConnectionFailure::NoTls
        }
        None if !error.is_closed() && address.get("password").is_none() => ConnectionFailure::PasswordMissing,
        _ => ConnectionFailure::Other,
    }
}

fn encryption(error: &rustls::Error) -> ConnectionFailure {
    let rustls::Error::InvalidCertificate(problem) = error else { return ConnectionFailure::Tls };
    match problem {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ConnectionFailure::CertificateName
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => ConnectionFailure::CertificateExpired,
        _ => ConnectionFailure::CertificateUntrusted,
    }
}

/// The host names and ports of an address.
fn places(address: &Address) -> Vec<(String, u16)> {
    let hosts = address.get("hostaddr").or(address.get("host")).unwrap_or("localhost");
    let ports: Vec<u16> =
        address.get("port").unwrap_or("5432").split(',').filter_map(|port| port.parse().ok()).collect();
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    hosts.split(',').enumerate().map(|(at, host)| (host.to_owned(), port(at))).collect()
}

/// Whether every host name resolves.
fn resolves(address: &Address) -> bool {
    places(address).iter().all(|(host, port)| host.starts_with('/') || (host.as_str(), *port).to_socket_addrs().is_ok())
}

fn wants_tls(address: &Address) -> bool {
    matches!(address.get("sslmode"), Some("require" | "verify-ca" | "verify-full"))
}

/// Whether the first server offers encryption (documentation, "Message Formats": `SSLRequest`); none if it does not answer.
fn offers_tls(address: &Address) -> Option<bool> {
    let (host, port) = places(address).into_iter().next()?;
    let place = (host.as_str(), port).to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&place, PROBE_DEADLINE).ok()?;
    stream.set_read_timeout(Some(PROBE_DEADLINE)).ok()?;
    let request = [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat();
    stream.write_all(&request).ok()?;
    let mut answer = [0];
    stream.read_exact(&mut answer).ok()?;
    Some(answer == *b"S")
}
