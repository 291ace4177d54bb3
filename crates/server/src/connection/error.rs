//! Why a connection string is unusable. No message shows a value that may be a password.

use std::path::PathBuf;

/// Why the description of a server is unusable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The string is not in a form that libpq accepts.
    #[error("invalid connection string: {0}")]
    Syntax(String),
    /// A keyword that does not exist or is not supported here.
    #[error(
        "{keyword} is not supported in a connection string{}",
        .why.map(|why| format!(": {why}")).unwrap_or_default()
    )]
    Keyword {
        /// The keyword.
        keyword: String,
        /// Why not, if libpq accepts it.
        why: Option<&'static str>,
    },
    /// A value that its keyword does not accept.
    #[error("{keyword} accepts {expected}")]
    Value {
        /// The keyword.
        keyword: &'static str,
        /// What it accepts.
        expected: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read the {what} {}", .path.display())]
    File {
        /// The kind of file.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Other users can read the passwords.
    #[error("the password file {} is readable by others and is ignored; run chmod 600 {}", .path.display(), .path.display())]
    OpenPasswords {
        /// The file.
        path: PathBuf,
    },
    /// A service that no file defines.
    #[error("service {name} is defined neither in {}", .looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" nor in "))]
    Service {
        /// Its name.
        name: String,
        /// The files.
        looked: Vec<PathBuf>,
    },
    /// A certificate that cannot be used.
    #[error("{what} {} cannot be used: {problem}", .path.display())]
    Certificate {
        /// `sslrootcert`, `sslcert` or `sslkey`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The server's certificate must be verified, but there is no root certificate.
    #[error(
        "sslmode={mode} requires a root certificate: set sslrootcert=FILE or sslrootcert=system, or put it in ~/.postgresql/root.crt"
    )]
    NoRoot {
        /// The mode.
        mode: String,
    },
}
