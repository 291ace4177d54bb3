//! Why a connection string says nothing that can be used. No message shows a value that may be a password.

use std::path::PathBuf;

/// What is wrong with the description of a server.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The string has no form that libpq knows.
    #[error("the connection string cannot be read: {0}")]
    Syntax(String),
    /// A keyword that does not exist, or that makes no sense here.
    #[error("{keyword} cannot be used in a connection string{}", .why.map(|why| format!(": {why}")).unwrap_or_default())]
    Keyword {
        /// The keyword.
        keyword: String,
        /// Why not, where it is libpq's.
        why: Option<&'static str>,
    },
    /// A value that its keyword does not take.
    #[error("{keyword} takes {expected}")]
    Value {
        /// The keyword.
        keyword: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read the {what} {}", .path.display())]
    File {
        /// What it is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others can read the passwords.
    #[error("the password file {} can be read by others, so it is not used; chmod 600 {}", .path.display(), .path.display())]
    OpenPasswords {
        /// The file.
        path: PathBuf,
    },
    /// A service that no file describes.
    #[error("service {name} is described neither in {}", .looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" nor in "))]
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
    /// The server's certificate is to be verified, and there is nothing to verify it with.
    #[error(
        "sslmode={mode} needs the certificate of an authority: give sslrootcert=FILE, or sslrootcert=system, or put it in ~/.postgresql/root.crt"
    )]
    NoRoot {
        /// The mode.
        mode: String,
    },
}
