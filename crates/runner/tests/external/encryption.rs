//! Each `sslmode` as libpq documents it, against a server with certificates.

use crate::server::{ExternalServer, open};

/// A server that accepts only encrypted connections, and one role only by its certificate.
fn encrypted() -> ExternalServer {
    ExternalServer::with("hostssl all reader all cert\nhostssl all all all scram-sha-256\nhost all all all reject")
}

/// Whether the session is encrypted, or the error.
fn outcome(url: &str) -> String {
    let ssl =
        open(url).and_then(|mut session| session.value("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"));
    match ssl {
        Ok(ssl) => if ssl.as_deref() == Some("t") { "encrypted" } else { "plain" }.to_owned(),
        Err(error) => pgproof_sql::with_causes(&error),
    }
}

const MODES: &[(&str, &str)] = &[
    ("sslmode=prefer", "encrypted"),
    ("sslmode=allow", "encrypted"),
    ("sslmode=require", "encrypted"),
    ("sslmode=require&channel_binding=require", "encrypted"),
    ("sslmode=verify-ca&sslrootcert={root.crt}", "encrypted"),
    ("sslmode=verify-full&sslrootcert={root.crt}&host=localhost", "encrypted"),
    ("sslmode=disable", "28000"),
    ("sslmode=disable&channel_binding=require", ""),
    ("sslmode=verify-full&sslrootcert={root.crt}", "certificate not valid for name"),
    ("sslmode=verify-ca&sslrootcert={other.crt}", "invalid peer certificate: "),
    ("sslmode=verify-full&sslrootcert={other.crt}&host=localhost", "invalid peer certificate: "),
    ("sslmode=require&sslrootcert={other.crt}", "invalid peer certificate: "),
    ("sslmode=verify-full&sslrootcert=system&host=localhost", "invalid peer certificate: "),
    ("sslmode=verify-ca&sslrootcert=/nowhere/root.crt", "sslrootcert /nowhere/root.crt cannot be used: "),
    ("sslmode=verify-ca&sslrootcert={server.key}", "it contains no certificate"),
    ("sslrootcert=system&host=localhost", "invalid peer certificate: "),
    ("sslrootcert=system&sslmode=require", "sslmode accepts only verify-full with sslrootcert=system"),
    ("sslmode=sometimes", "sslmode accepts disable, allow, prefer, require, verify-ca or verify-full"),
];

#[test]
fn a_mode_encrypts_and_verifies_as_documented() {
    let encrypted = encrypted();
    for (parameters, expected) in MODES {
        let mut parameters = (*parameters).to_owned();
        for name in ["root.crt", "other.crt", "server.key"] {
            parameters = parameters.replace(&format!("{{{name}}}"), &encrypted.file(name));
        }
        let outcome = outcome(&encrypted.url(&parameters));
        let succeeds = ["encrypted", "plain"].contains(expected);
        let is_as_expected = outcome.contains(expected) && (succeeds || !["encrypted", "plain"].contains(&&*outcome));
        assert!(is_as_expected, "{parameters}: {outcome}");
        assert!(!outcome.contains("correct"), "a password in {outcome}");
    }
}

#[test]
fn a_certificate_replaces_a_password() {
    let encrypted = encrypted();
    encrypted.session().run("CREATE ROLE reader LOGIN").expect("a role");
    let own = format!("sslcert={}&sslkey={}", encrypted.file("client.crt"), encrypted.file("client.key"));
    let url = |parameters: &str| {
        format!("postgres://reader@127.0.0.1:{}/postgres?sslmode=require&{parameters}", encrypted.port)
    };
    assert_eq!(outcome(&url(&own)), "encrypted");
    assert!(outcome(&url("")).contains("28000"), "{}", outcome(&url("")));
}

#[test]
fn a_server_without_encryption_is_used_only_if_allowed() {
    let plain = ExternalServer::with("hostnossl all all all scram-sha-256");
    assert_eq!(outcome(&plain.url("sslmode=disable")), "plain");
    assert_eq!(outcome(&plain.url("sslmode=allow")), "plain");
    assert!(outcome(&plain.url("sslmode=require")).contains("28000"));
}
