//! A copy of a database's catalog, without rows, in a disposable database: for trying there what is to be done to the
//! database itself.

use std::path::Path;
use std::sync::Arc;

use pgproof_runner::CloneDatabase;
use pgproof_runner::isolation::{IsolationError, Template};
use pgproof_server::connection::ClientAccess;
use pgproof_server::{ClientPrograms, DatabaseError, ServerOptions, Version};

use super::{BackupError, roles, supervised};
use crate::Target;

/// Why a catalog could not be copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The client programs, or their files.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// There is no disposable database.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// A session with the disposable server failed.
    #[error("cannot prepare the disposable database")]
    Session(#[source] DatabaseError),
}

/// Copies the catalog. All objects of the copy belong to whoever applies migrations to copies of the template.
pub fn copy_catalog(
    target: &Target,
    template: &Arc<Template>,
    options: &ServerOptions,
) -> Result<CloneDatabase, CopyError> {
    let unreadable = |source| BackupError::Target { target: target.to_string(), source };
    let server = template.handle();
    if server.run.is_some() {
        return Err(BackupError::NotDisposable.into());
    }
    let mut session = target.reader().map_err(unreadable)?;
    let version = Version::of(&mut session).map_err(unreadable)?;
    let mentioned = roles::mentioned(&mut session).map_err(unreadable)?;
    drop(session);
    let client =
        ClientPrograms::for_major(options, version.major.max(server.version.major)).map_err(BackupError::from)?;
    let directory = directory().map_err(|source| file("create a file in", &std::env::temp_dir(), source))?;
    let dump = directory.path().join("catalog.dump");
    let mut command = client.pg_dump();
    let access = ClientAccess::to(&target.address, target.database()).map_err(|source| file("write", &dump, source))?;
    access
        .give(&mut command)
        .args(["--schema-only", "--no-owner", "--format=custom", "--lock-wait-timeout=60s", "--file"])
        .arg(&dump);
    run(&command, access, "pg_dump")?;
    let mut maintenance = server.maintenance().map_err(CopyError::Session)?;
    roles::create(&mut maintenance, &mentioned).map_err(CopyError::Session)?;
    let copy = CloneDatabase::empty_for(template)?;
    let mut command = client.pg_restore();
    let access = ClientAccess::to(&server.address, copy.name()).map_err(|source| file("write", &dump, source))?;
    access.give(&mut command).args(["--no-owner", "--exit-on-error"]).arg(&dump);
    run(&command, access, "pg_restore")?;
    if let Some(owner) = template.owner() {
        let names: Vec<String> = mentioned.into_iter().map(|role| role.name).collect();
        server.hand_over_all(copy.name(), owner, &names).map_err(BackupError::from)?;
    }
    Ok(copy)
}

fn run(command: &std::process::Command, access: ClientAccess, program: &'static str) -> Result<(), BackupError> {
    let ended = supervised::run(command, access, None, &mut || ())
        .map_err(|source| file("run", Path::new(command.get_program()), source))?;
    if ended.succeeded { Ok(()) } else { Err(BackupError::Program { program, said: ended.said.clone() }) }
}

fn file(action: &'static str, file: &Path, source: std::io::Error) -> BackupError {
    BackupError::File { action, file: file.to_path_buf(), source }
}

/// A private directory that is removed with this value.
fn directory() -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("pgproof-catalog-").tempdir()
}
