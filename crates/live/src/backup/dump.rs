//! Makes a backup: a dump and a manifest of one snapshot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pgproof_server::connection::ClientAccess;
use pgproof_server::{ClientPrograms, DatabaseError, ServerOptions, Session, Version};
use pgproof_sql::QualifiedName;

use super::contents::Contents;
use super::database::DatabaseProperties;
use super::{BackupError, DumpFiles, Manifest, Position, roles, rows, supervised};
use crate::Target;

/// How long `pg_dump` waits for a lock on a table: whoever asked for a stronger one before makes it wait.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";

/// How a backup is made.
#[derive(Debug, Clone, Default)]
pub struct BackupOptions {
    /// Where client programs are looked for.
    pub server: ServerOptions,
    /// The file to write, or the directory for it; by default the current directory.
    pub output: Option<PathBuf>,
    /// How many tables are dumped at once. More than one needs a directory instead of a file.
    pub jobs: u16,
}

/// A dump with its manifest.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The files.
    pub files: DumpFiles,
    /// What stands in the manifest.
    pub manifest: Manifest,
}

/// What is being done, for whoever waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The rows of this table are read.
    Reading(QualifiedName),
    /// This many bytes are written.
    Dumping(u64),
    /// `pg_restore` is running; the database has this many bytes.
    Restoring(u64),
}

impl Backup {
    /// Makes a backup of a database. Nothing is left if it fails, or if this process is killed.
    pub fn make(target: &Target, options: &BackupOptions, step: &mut dyn FnMut(Step)) -> Result<Backup, BackupError> {
        let unreadable = |source| BackupError::Target { target: target.to_string(), source };
        let mut session = target.reader().map_err(unreadable)?;
        let server = Version::of(&mut session).map_err(unreadable)?;
        let client = ClientPrograms::for_major(&options.server, server.major)?;
        let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let files = DumpFiles::new(options.output.as_deref(), target.database(), &time, options.jobs > 1)?;
        demand_all_rows(&mut session, target).map_err(unreadable)??;
        let mut read = |session: &mut Session| -> Result<_, DatabaseError> {
            session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let snapshot = session.value("SELECT pg_export_snapshot()")?.unwrap_or_default();
            let (roles, properties) = (roles::mentioned(session)?, DatabaseProperties::of(session)?);
            let owner = target.settings.owner.as_ref();
            let before = rows::sequences(session)?;
            let reading = &mut |table: &QualifiedName| step(Step::Reading(table.clone()));
            let contents = Contents::read(session, target.database(), owner, reading)?;
            Ok((snapshot, roles, properties, before, contents))
        };
        let (snapshot, roles, properties, before, contents) = read(&mut session).map_err(unreadable)?;
        let unfinished = files.unfinished();
        let mut command = client.pg_dump();
        let access = access(target)?;
        access.give(&mut command).arg(format!("--snapshot={snapshot}")).arg(LOCK_WAIT);
        if options.jobs > 1 {
            command.arg("--format=directory").arg(format!("--jobs={}", options.jobs));
        } else {
            command.arg("--format=custom");
        }
        command.arg("--file").arg(&unfinished);
        let mut looked = || step(Step::Dumping(DumpFiles::size(&unfinished)));
        let ended = supervised::run(&command, access, Some(&unfinished), &mut looked)
            .map_err(|source| BackupError::File { action: "run", file: command.get_program().into(), source })?;
        if !ended.succeeded {
            return Err(BackupError::Program { program: "pg_dump", said: ended.said.clone() });
        }
        let sequences = positions(before, rows::sequences(&mut session).map_err(unreadable)?);
        session.run("COMMIT").map_err(unreadable)?;
        let size = DumpFiles::size(&unfinished);
        let (database, pg_dump) = (target.database(), client.version);
        let manifest = Manifest::new(database, server, pg_dump, time, size, roles, properties, sequences, contents);
        let text = manifest
            .text()
            .map_err(|error| BackupError::Manifest { file: files.manifest.clone(), problem: error.to_string() })?;
        files.complete(&text)?;
        Ok(Backup { files, manifest })
    }

    /// A backup that was made before.
    ///
    /// Fails if there is no dump, or no manifest beside it.
    pub fn open(dump: &Path) -> Result<Backup, BackupError> {
        let files = DumpFiles::of(dump);
        dump.metadata().map_err(|source| BackupError::File { action: "read", file: dump.to_path_buf(), source })?;
        let manifest = Manifest::read(&files.manifest)?;
        Ok(Backup { files, manifest })
    }

    /// How large the dump is now, in bytes.
    pub fn size(&self) -> u64 {
        DumpFiles::size(&self.files.dump)
    }
}

/// Fails if row security hides rows from the session's role: `pg_dump` would, too, but says less.
fn demand_all_rows(session: &mut Session, target: &Target) -> Result<Result<(), BackupError>, DatabaseError> {
    let tables = rows::hidden(session)?;
    if tables.is_empty() {
        return Ok(Ok(()));
    }
    let role = target.address.get("user").unwrap_or_default().to_owned();
    Ok(Err(BackupError::RowSecurity { tables, role }))
}

/// The files by which a client program connects to a database that is in use.
fn access(target: &Target) -> Result<ClientAccess, BackupError> {
    ClientAccess::to(&target.address, target.database()).map_err(|source| BackupError::File {
        action: "write a file for pg_dump in",
        file: std::env::temp_dir(),
        source,
    })
}

/// The sequences that were there before and afterwards.
fn positions(
    before: BTreeMap<QualifiedName, i64>,
    after: BTreeMap<QualifiedName, i64>,
) -> BTreeMap<QualifiedName, Position> {
    let position = |(name, before): (QualifiedName, i64)| {
        let after = *after.get(&name)?;
        Some((name, Position { before, after }))
    };
    before.into_iter().filter_map(position).collect()
}
