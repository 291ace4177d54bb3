//! A new database in which a dump is restored, and what it lacks.

use std::collections::BTreeMap;
use std::path::Path;

use pgproof_server::connection::{Address, ClientAccess};
use pgproof_server::{ClientPrograms, DatabaseError, ServerHandle, ServerOptions, Session, SqlState};
use pgproof_sql::quote::{identifier, literal};
use pgproof_sql::{Identifier, ObjectKind, QualifiedName};

use super::contents::Contents;
use super::dump::Step;
use super::{Backup, BackupError, Finding, finding, roles, rows, supervised};

/// How a dump is restored.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// Where client programs are looked for.
    pub server: ServerOptions,
    /// How many tables are restored at once.
    pub jobs: u16,
}

/// A new database in which a dump was restored. It is dropped with this value, unless it is kept.
#[derive(Debug)]
pub struct Restored {
    /// Its server.
    address: Address,
    /// Where to be connected when it is dropped.
    maintenance: String,
    name: String,
    is_kept: bool,
    /// What it lacks.
    pub findings: Vec<Finding>,
}

impl Restored {
    /// Restores a dump on a disposable server. Roles that the dump mentions are created there, without the right to log in.
    ///
    /// Fails if the server cannot do it; what is wrong with the dump is in `findings`.
    pub fn on_disposable(
        server: &ServerHandle,
        backup: &Backup,
        options: &RestoreOptions,
        step: &mut dyn FnMut(Step),
    ) -> Result<Restored, BackupError> {
        if server.run.is_some() {
            return Err(BackupError::NotDisposable);
        }
        let refused = |action: &str| {
            let action = action.to_owned();
            move |source| BackupError::Restoring { action, source }
        };
        let mut session = server.maintenance().map_err(refused("connect to the disposable server"))?;
        demand_extensions(&mut session, backup, server).map_err(refused("read the extensions there"))??;
        roles::create(&mut session, &backup.manifest.roles).map_err(refused("create the roles of the dump"))?;
        let maintenance = server.address.maintenance().to_owned();
        Restored::new(&server.address, &maintenance, "restored", backup, options, server.version.major, step)
    }

    /// Creates a database of this name, and restores a dump in it.
    pub(super) fn new(
        address: &Address,
        maintenance: &str,
        name: &str,
        backup: &Backup,
        options: &RestoreOptions,
        major: u16,
        step: &mut dyn FnMut(Step),
    ) -> Result<Restored, BackupError> {
        let manifest = &backup.manifest;
        let refused = |action: &str| {
            let action = format!("{action} database {name} on {}", address.place());
            move |source| BackupError::Restoring { action, source }
        };
        // What wrote the dump can read it; what is newer may send what the server does not know.
        let client = ClientPrograms::for_major(&options.server, manifest.pg_dump.major.max(major))?;
        let mut session = Session::open(address, maintenance).map_err(refused("create"))?;
        session.run("SET statement_timeout TO 0").map_err(refused("create"))?;
        create(&mut session, backup, name, major).map_err(refused("create"))?;
        let (address, name) = (address.clone(), name.to_owned());
        let maintenance = maintenance.to_owned();
        let mut restored = Restored { address, maintenance, name, is_kept: false, findings: Vec::new() };
        let said = restored.run(&client, backup, options.jobs, &mut session, step)?;
        // Settings of the database could hinder its restoring.
        for statement in manifest.properties.give(&restored.name) {
            session.run(&statement).map_err(refused("set what belongs to"))?;
        }
        let (found, sequences) = restored.read(backup, step).map_err(refused("read"))?;
        restored.findings = finding::of(manifest, backup.size(), &found, &sequences);
        restored.findings.extend(said.map(|said| Finding::PgRestore { said }));
        Ok(restored)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its server.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Lets it stay.
    pub fn keep(mut self) -> String {
        self.is_kept = true;
        self.name.clone()
    }

    /// Runs `pg_restore`, which goes on after an error: the more is there, the better can be said what is not. Returns what it
    /// said if it failed.
    fn run(
        &self,
        client: &ClientPrograms,
        backup: &Backup,
        jobs: u16,
        session: &mut Session,
        step: &mut dyn FnMut(Step),
    ) -> Result<Option<Vec<String>>, BackupError> {
        let dump = &backup.files.dump;
        let cannot = |file: &Path| {
            let file = file.to_path_buf();
            move |source| BackupError::File { action: "run", file, source }
        };
        let mut command = client.pg_restore();
        let access = ClientAccess::to(&self.address, &self.name).map_err(cannot(dump))?;
        access.give(&mut command);
        if jobs > 1 {
            command.arg(format!("--jobs={jobs}"));
        }
        command.arg(dump.canonicalize().unwrap_or_else(|_| dump.clone()));
        let size = format!("SELECT pg_database_size({})", literal(&self.name));
        let mut looked = || {
            let size = session.value(&size).ok().flatten().and_then(|size| size.parse().ok());
            step(Step::Restoring(size.unwrap_or_default()));
        };
        let ended =
            supervised::run(&command, access, None, &mut looked).map_err(cannot(Path::new(command.get_program())))?;
        Ok((!ended.succeeded).then(|| ended.said.clone()))
    }

    fn read(
        &self,
        backup: &Backup,
        step: &mut dyn FnMut(Step),
    ) -> Result<(Contents, BTreeMap<QualifiedName, i64>), DatabaseError> {
        let mut session = Session::open(&self.address, &self.name)?;
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let owner = Identifier::new(&backup.manifest.contents.owner);
        let reading = &mut |table: &QualifiedName| step(Step::Reading(table.clone()));
        let contents = Contents::read(&mut session, &backup.manifest.database, Some(&owner), reading)?;
        Ok((contents, rows::sequences(&mut session)?))
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // If the server is gone, there is nobody to tell.
        if let Ok(mut session) = Session::open(&self.address, &self.maintenance) {
            let _ = session.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(&self.name)));
        }
    }
}

/// Creates the database, with the C locale where the server does not know that of the old one.
fn create(session: &mut Session, backup: &Backup, name: &str, major: u16) -> Result<(), DatabaseError> {
    let properties = &backup.manifest.properties;
    let unknown_locale = [
        SqlState::WRONG_OBJECT_TYPE.code(),
        SqlState::INVALID_PARAMETER_VALUE.code(),
        SqlState::UNDEFINED_OBJECT.code(),
    ];
    match session.run(&properties.create(name, major)) {
        Err(error) if error.sqlstate().is_some_and(|code| unknown_locale.contains(&code)) => {
            session.run(&properties.in_c_locale().create(name, major)).map_err(|_| error)
        }
        other => other,
    }
}

/// Fails if the disposable server lacks an extension: that is no fault of the dump.
fn demand_extensions(
    session: &mut Session,
    backup: &Backup,
    server: &ServerHandle,
) -> Result<Result<(), BackupError>, DatabaseError> {
    let available = session.column("SELECT name FROM pg_available_extensions")?;
    let objects = backup.manifest.contents.objects.iter().map(|(object, _)| object);
    let extensions = objects.filter(|object| object.kind() == ObjectKind::Extension);
    let names = extensions.map(|object| object.name().as_str().to_owned());
    let missing: Vec<String> = names.filter(|name| !available.contains(name)).collect();
    if missing.is_empty() {
        return Ok(Ok(()));
    }
    Ok(Err(BackupError::Extensions { extensions: missing, place: server.address.place() }))
}
