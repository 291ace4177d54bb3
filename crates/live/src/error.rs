//! Why it is not known which database is meant. What is wrong with the database itself, each command says.

use std::path::PathBuf;

use pgproof_runner::ConfigError;
use pgproof_server::connection::AddressError;

/// Why it is not known which database is meant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The configuration is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no such database in the configuration.
    #[error(
        "no database {name:?} in {}: {}",
        .file.display(),
        choices(.known, .nearest.as_deref())
    )]
    Unknown {
        /// The requested name.
        name: String,
        /// The configuration file.
        file: PathBuf,
        /// The databases there.
        known: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// The entry does not say how to connect.
    #[error(
        "databases.{name} says no connection: set `variable` to the environment variable that holds its connection string, or `connection` to one without a password"
    )]
    NoConnection {
        /// The database.
        name: String,
    },
    /// The entry says it twice.
    #[error("databases.{name} has both `variable` and `connection`; one of them is enough")]
    TwoConnections {
        /// The database.
        name: String,
    },
    /// A password in a file that is committed.
    #[error(
        "databases.{name}.connection holds a password; put the connection string into an environment variable and name that with `variable`"
    )]
    Password {
        /// The database.
        name: String,
    },
    /// The variable is not set.
    #[error("{variable} is not set, neither in the environment nor in {}; it holds the connection string of {name}", .file.display())]
    Unset {
        /// The database.
        name: String,
        /// The variable.
        variable: String,
        /// The file `.env`, which may not exist.
        file: PathBuf,
    },
    /// The connection string is unusable.
    #[error("the connection string of {name} is unusable")]
    Address {
        /// The database.
        name: String,
        /// Why.
        source: AddressError,
    },
    /// `.env` cannot be read.
    #[error("cannot read {}", .file.display())]
    ReadEnvironment {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of `.env` is not an assignment.
    #[error("{}: entry {entry} is not of the form NAME=value", .file.display())]
    MalformedEnvironment {
        /// The file.
        file: PathBuf,
        /// Which entry, from 1; comments and empty lines do not count.
        entry: usize,
    },
}

fn choices(names: &[String], nearest: Option<&str>) -> String {
    match (names, nearest) {
        ([], _) => "it names none; add a table [databases.NAME], or give a connection string".to_owned(),
        (_, Some(nearest)) => format!("did you mean {nearest:?}?"),
        (names, None) => format!("it has {}; or give a connection string", names.join(", ")),
    }
}
