//! A check: what it is about, and how it came out.

use std::fmt;

use pgproof_server::connection::ConnectionFailure;

/// One checked prerequisite.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was checked.
    pub subject: Subject,
    /// How it came out.
    pub outcome: Outcome,
}

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// Where the connection string comes from.
    Target,
    /// Logging in.
    Connection,
    /// The server's version.
    Server,
    /// Whether the server and the session accept writes.
    Writable,
    /// Whether a connection pooler stands in between.
    Pooler,
    /// The attributes of the role.
    Role,
    /// What the role may do in the database.
    DatabasePrivileges,
    /// What the role may do in the schemas of the search path.
    SchemaPrivileges,
    /// Whom the existing objects of the migrations belong to.
    Ownership,
    /// The extensions that the migrations create.
    Extensions,
    /// One of them.
    Extension(String),
    /// How many connections are left.
    Connections,
    /// The size of the database.
    Disk,
    /// Long transactions, and locks that would block a migration.
    Traffic,
    /// The files of a schema's migrations.
    Migrations(String),
    /// The file `.env`.
    EnvironmentFile,
}

/// How a check came out.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// As it should be; what was found.
    Fine(String),
    /// It works, but somebody should look.
    Warning(Problem),
    /// It will not work.
    Problem(Problem),
    /// It could not be checked.
    Unchecked(Unchecked),
}

/// What is wrong, and what to do.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What was found.
    pub found: String,
    /// What to do, one step each.
    pub remedy: Vec<String>,
    /// Why the connection failed, if that is the problem.
    pub failure: Option<ConnectionFailure>,
}

/// Why something could not be checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Unchecked {
    /// There is no connection.
    NoConnection,
    /// The server rejected the question, with this error.
    Failed(String),
    /// SQL cannot answer it.
    NotOverSql {
        /// What it does know.
        known: String,
        /// Where to look instead.
        instead: &'static str,
    },
}

impl Problem {
    pub(super) fn new(found: impl Into<String>, remedy: impl IntoIterator<Item = impl Into<String>>) -> Problem {
        Problem { found: found.into(), remedy: remedy.into_iter().map(Into::into).collect(), failure: None }
    }
}

impl fmt::Display for Subject {
    /// Two or three words for the left column of a checklist.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Subject::Target => "connection string",
            Subject::Connection => "connection",
            Subject::Server => "server version",
            Subject::Writable => "writable",
            Subject::Pooler => "connection pooler",
            Subject::Role => "role",
            Subject::DatabasePrivileges => "database privileges",
            Subject::SchemaPrivileges => "schema privileges",
            Subject::Ownership => "ownership",
            Subject::Extensions => "extensions",
            Subject::Extension(name) => return write!(f, "extension {name}"),
            Subject::Connections => "free connections",
            Subject::Disk => "disk space",
            Subject::Traffic => "locks",
            Subject::Migrations(schema) => return write!(f, "schema {schema}"),
            Subject::EnvironmentFile => ".env",
        })
    }
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unchecked::NoConnection => f.write_str("not checked: no connection"),
            Unchecked::Failed(error) => write!(f, "not checked: {error}"),
            Unchecked::NotOverSql { known, .. } => f.write_str(known),
        }
    }
}
