//! Why a backup could not be made, proven or restored. What a dump lacks is a finding, not an error.

use std::path::PathBuf;

use pgproof_server::{DatabaseError, ServerError};
use pgproof_sql::QualifiedName;

/// Why a backup could not be made, proven or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There are no client programs, or no server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The database cannot be read.
    #[error("cannot read {target}")]
    Target {
        /// The database.
        target: String,
        /// Why.
        source: DatabaseError,
    },
    /// The role does not see all rows.
    #[error(
        "row security hides rows of {} from role {role}, so its backup would lack them; connect as a superuser, or as a role \
         that a superuser has given BYPASSRLS: ALTER ROLE {role} BYPASSRLS",
        some(.tables)
    )]
    RowSecurity {
        /// The tables.
        tables: Vec<QualifiedName>,
        /// The role.
        role: String,
    },
    /// A file cannot be written or read.
    #[error("cannot {action} {}", .file.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is something else already.
    #[error("{} exists; a backup replaces nothing: choose another name", .file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The client program did not do it.
    #[error("{program} failed; it said:\n{}", .said.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))]
    Program {
        /// The program.
        program: &'static str,
        /// Its last lines.
        said: Vec<String>,
    },
    /// There is no manifest beside a dump.
    #[error("cannot read {}, the manifest that `pgproof backup` writes beside a dump: without it nothing can be proven", .file.display())]
    NoManifest {
        /// The manifest.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The manifest is not one.
    #[error("{} is not a manifest of a dump: {problem}", .file.display())]
    Manifest {
        /// The manifest.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A database of the dump's extensions cannot be created there.
    #[error(
        "the dump creates extension {}, which {place} cannot create: install it there, or give --server one that has it",
        .extensions.join(", ")
    )]
    Extensions {
        /// The extensions.
        extensions: Vec<String>,
        /// The server.
        place: String,
    },
    /// The drill creates roles.
    #[error("a drill creates roles, so it needs a server of its own: use --server local, docker or download")]
    NotDisposable,
    /// The role may not create the new database, or not rename the old one.
    #[error("role {role} may not replace database {database}: it {}; as a superuser, run: {statement}", .lacks)]
    NotAllowed {
        /// The role.
        role: String,
        /// The database.
        database: String,
        /// What it lacks.
        lacks: String,
        /// What gives it.
        statement: String,
    },
    /// Others are connected to the old database.
    #[error(
        "role {role} cannot end the sessions of {} with database {database}, which is as it was; close them, or as a superuser \
         run: GRANT pg_signal_backend TO {role} (sessions of superusers, only a superuser can end)",
        .of.join(", ")
    )]
    Sessions {
        /// The database, under its own name.
        database: String,
        /// The role.
        role: String,
        /// The roles that are connected.
        of: Vec<String>,
    },
    /// A statement on the server of the database failed.
    #[error("cannot {action}; {} is as it was", .database)]
    Unchanged {
        /// What was tried.
        action: String,
        /// The database, under its own name.
        database: String,
        /// Why.
        source: DatabaseError,
    },
    /// The disposable server refused something.
    #[error("cannot {action}")]
    Restoring {
        /// What was tried.
        action: String,
        /// Why.
        source: DatabaseError,
    },
}

/// The first names of a list.
fn some(tables: &[QualifiedName]) -> String {
    const MOST: usize = 3;
    let shown: Vec<String> = tables.iter().take(MOST).map(ToString::to_string).collect();
    let kind = if tables.len() == 1 { "table" } else { "tables" };
    let more = tables.len().saturating_sub(MOST);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{kind} {}{more}", shown.join(", "))
}
