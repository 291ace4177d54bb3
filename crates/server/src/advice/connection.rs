//! What to do if there is no connection: the runbook's solutions, by why the connection failed.

use pgproof_sql::Identifier;

use crate::connection::{Address, ConnectionFailure};

/// What to do about a failed connection to `database`, one step each.
pub fn for_connection(failure: ConnectionFailure, address: &Address, database: &str) -> Vec<String> {
    let host = address.get("host").unwrap_or("localhost");
    let role = address.get("user").unwrap_or_default();
    let mode = address.get("sslmode").unwrap_or("prefer");
    let sql = |name: &str| Identifier::new(name).sql();
    let quoted = sql(role);
    let on_socket = host.starts_with('/');
    let steps = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>();
    match failure {
        ConnectionFailure::HostUnknown => vec![
            format!("check the host name in the connection string, and that it resolves: nslookup {host}"),
            "check the network, and that the VPN is up if the name is an internal one".to_owned(),
        ],
        ConnectionFailure::Refused if on_socket => {
            vec![format!("check that the server runs, and that its socket is in {host} (unix_socket_directories)")]
        }
        ConnectionFailure::Refused => vec![
            format!(
                "check that the server runs and listens there: pg_isready -h {host} -p {}",
                address.get("port").unwrap_or("5432")
            ),
            "check listen_addresses in its configuration, and the port in the connection string".to_owned(),
        ],
        ConnectionFailure::Unreachable => steps(&[
            "check that no firewall or security group blocks the port, and that the VPN is up",
            "check that the service admits the address of this machine",
        ]),
        ConnectionFailure::Silent => steps(&[
            "check that what listens there is PostgreSQL, and not a web server or a tunnel to nowhere",
            "a suspended managed database may need longer to start: try again, or raise connect_timeout",
        ]),
        ConnectionFailure::NoTls => vec![
            format!("sslmode={mode} demands encryption: set ssl = on and a certificate on the server"),
            "only if the network is trusted, use sslmode=prefer".to_owned(),
        ],
        ConnectionFailure::CertificateUntrusted => steps(&[
            "set sslrootcert to the authority's certificate, which the service offers for download, or to `system` if a public authority signed it",
        ]),
        ConnectionFailure::CertificateName => vec![
            format!("connect by the name that the certificate is for; {host} is another one"),
            "sslmode=verify-ca checks the authority without the name".to_owned(),
        ],
        ConnectionFailure::CertificateExpired => {
            steps(&["renew the server's certificate, and reload the server", "check the clock of this machine"])
        }
        ConnectionFailure::Tls => steps(&[
            "check the versions of TLS that the server accepts (ssl_min_protocol_version), and whether it demands a client certificate (sslcert, sslkey)",
        ]),
        ConnectionFailure::PasswordMissing => {
            vec![format!("give the password of role {role}: in the connection string, in PGPASSWORD, or in ~/.pgpass")]
        }
        ConnectionFailure::PasswordWrong => vec![
            format!("check the role ({role}) and the password in the connection string; either may be wrong"),
            "URL-encode special characters in the password: @ is %40, / is %2F, # is %23".to_owned(),
            format!("have an administrator check that role {role} exists on this server, and has not expired"),
        ],
        ConnectionFailure::NotAdmitted if on_socket => vec![format!(
            "pg_hba.conf admits role {role} only by another method: connect as the operating system user of that name, or over TCP with a password"
        )],
        ConnectionFailure::NotAdmitted if matches!(mode, "disable" | "allow" | "prefer") => vec![
            "add ?sslmode=require to the connection string: many servers admit encrypted connections only".to_owned(),
            format!(
                "if it stays, have an administrator add a line for role {role}, database {database} and this machine to pg_hba.conf"
            ),
        ],
        ConnectionFailure::NotAdmitted => vec![format!(
            "have an administrator add a line for role {role}, database {database} and this machine to pg_hba.conf, or to the service's list of addresses"
        )],
        ConnectionFailure::RoleUnknown => {
            vec![format!("check the role in the connection string, or create it: CREATE ROLE {quoted} LOGIN")]
        }
        ConnectionFailure::DatabaseUnknown => vec![format!(
            "check the name of the database in the connection string, or create it: CREATE DATABASE {}",
            sql(database)
        )],
        ConnectionFailure::MayNotConnect => vec![format!("GRANT CONNECT ON DATABASE {} TO {quoted}", sql(database))],
        ConnectionFailure::TooMany => steps(&[
            "close other sessions, or raise max_connections (or the CONNECTION LIMIT of role and database)",
            "a managed database shows its limit in its console; a connection pooler such as PgBouncer helps applications with many connections",
        ]),
        ConnectionFailure::NotReady => steps(&["wait a moment and try again; if it stays, read the server's log"]),
        ConnectionFailure::Pooler => steps(&[
            "migrate over a direct connection: use the connection string without the pooler (Neon: the host without -pooler; Supabase: port 5432; PgBouncer: the server behind it)",
        ]),
        ConnectionFailure::Other => steps(&["read the server's log, which says more than it sends to a client"]),
    }
}
