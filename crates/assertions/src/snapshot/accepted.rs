//! The comparison of a database with its schema snapshot: each object of the file, and each of the database, is an
//! assertion of its own. Rows are left to `seeds`. What differs is written beside the file, for `review`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pgproof_catalog::{Catalog, Given, is_own, owner_of};
use pgproof_runner::Sandbox;
use pgproof_runner::isolation::SchemaState;
use pgproof_server::DatabaseError;
use pgproof_sql::{ObjectId, Property, Target, with_causes};

use super::pending::{header_and_content, leave, pending_file, remove, writes_pending};
use super::portable::{Properties, is_held, portable};
use super::seeds::{self, Seeds, SeedsError};
use super::text;
use crate::assertion::{Assertion, Failure, Subject, refuted_by};
use crate::check::{Check, fail};
use crate::pin::{Pin, looked_at};
use crate::printed::same_query;

/// Checks of the whole schema.
pub trait CheckSchema {
    /// Checks that every object, and every row that the migrations insert, is as the schema snapshot has it, and that
    /// there is no other. The file is named by
    /// `snapshot` in the schema's table of `pgproof.toml`. What differs is written beside it, for `review`.
    ///
    /// ```no_run
    /// use pgproof_assertions::snapshot::CheckSchema;
    /// use pgproof_runner::Sandbox;
    /// # fn test(mut db: Sandbox) {
    /// db.check_schema();
    /// # }
    /// ```
    fn check_schema(&mut self);
}

impl CheckSchema for Sandbox {
    #[track_caller]
    fn check_schema(&mut self) {
        let name = self.context().name().to_owned();
        let compared = match Compared::of(self) {
            Ok(compared) => compared,
            Err(error) => {
                let cause = if let SnapshotError::Database(cause) = &error { Some(cause) } else { None };
                fail(&name, "schema", "is as accepted", &with_causes(&error), cause)
            }
        };
        let rows = match compared.row_assertions(self) {
            Ok(rows) => rows,
            Err(error) => {
                let cause = if let SnapshotError::Database(cause) = &error { Some(cause) } else { None };
                fail(&name, "schema", "is as accepted", &with_causes(&error), cause)
            }
        };
        let before = self.unproven();
        self.check_all(compared.assertions());
        // A schema without rows has no assertions about them.
        for row in rows {
            self.check(row);
        }
        // A database that is in use is held against what was accepted, and never taken for it.
        if self.template().in_use().is_none()
            && self.state() == SchemaState::AsMigrated
            && writes_pending()
            && let Err(error) = compared.leave_pending(self.unproven() == before)
        {
            fail(&name, "schema", "is as accepted", &with_causes(&error), None);
        }
    }
}

/// Why a schema cannot be compared with its snapshot.
#[derive(Debug, thiserror::Error)]
enum SnapshotError {
    #[error(
        "no schema snapshot is configured: add `snapshot = \"snapshots/NAME/schema.snap\"` to the schema in pgproof.toml"
    )]
    NotConfigured,
    /// One message, rather than one for each object.
    #[error("there is no {}; {next}", .file.display())]
    Missing { file: PathBuf, next: &'static str },
    #[error("{}: line {line} after the header is no line of a schema snapshot", .file.display())]
    Line { file: PathBuf, line: usize },
    #[error("cannot {action} {}", .file.display())]
    File { action: &'static str, file: PathBuf, source: std::io::Error },
    #[error("{}: the rows of {table} are no rows of a schema snapshot", .file.display())]
    Rows { file: PathBuf, table: Box<ObjectId> },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Seeds(#[from] SeedsError),
}

/// What was accepted, and what is there.
struct Compared {
    /// The file as it is shown.
    shown: PathBuf,
    file: PathBuf,
    accepted: BTreeMap<ObjectId, Properties>,
    found: Arc<Portable>,
    /// The rows that the migrations made; empty in a database that is in use.
    seeds: Arc<Seeds>,
    is_in_use: bool,
}

impl Compared {
    fn of(sandbox: &mut Sandbox) -> Result<Compared, SnapshotError> {
        let context = Arc::clone(sandbox.context());
        let configured = context.configured().and_then(|(config, schema)| Some((config, schema.snapshot.as_ref()?)));
        let (config, general) = configured.ok_or(SnapshotError::NotConfigured)?;
        let shown = chosen(sandbox, config, general);
        let file = config.path(&shown);
        let catalog = Catalog::of(sandbox)?;
        let found = portable_of(sandbox, &catalog)?;
        let is_in_use = sandbox.template().in_use().is_some();
        let seeds = if is_in_use { Arc::default() } else { Seeds::of(sandbox.template())? };
        let mut compared = Compared { shown, file, accepted: BTreeMap::new(), found, seeds, is_in_use };
        let text = match std::fs::read_to_string(&compared.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(compared.missing()),
            Err(source) => return Err(SnapshotError::File { action: "read", file: compared.shown, source }),
        };
        match text::read(header_and_content(&text).1) {
            Ok(accepted) => compared.accepted = accepted,
            Err(line) => return Err(SnapshotError::Line { file: compared.shown, line }),
        }
        Ok(compared)
    }

    fn missing(self) -> SnapshotError {
        let is_written = !self.is_in_use && writes_pending() && self.leave_pending(false).is_ok();
        let next = if is_written {
            "to accept the schema as it is: cargo xtask review"
        } else {
            "run it outside CI, and accept the schema with: cargo xtask review"
        };
        SnapshotError::Missing { file: self.shown, next }
    }

    fn assertions(&self) -> Vec<AsAccepted> {
        let objects: BTreeSet<&ObjectId> = self.accepted.keys().chain(self.found.keys()).collect();
        let assertion = |object: &ObjectId| AsAccepted {
            object: object.clone(),
            accepted: self.accepted.get(object).cloned(),
            file: self.shown.clone(),
            next: if self.is_in_use { "" } else { NEXT },
        };
        objects.into_iter().map(assertion).collect()
    }

    /// The rows of each table that is accepted and exists.
    fn row_assertions(&self, sandbox: &mut Sandbox) -> Result<Vec<impl Assertion + use<>>, SnapshotError> {
        let unreadable = |table| SnapshotError::Rows { file: self.shown.clone(), table: Box::new(table) };
        if self.is_in_use {
            let catalog = Catalog::of(sandbox)?;
            let rows = |(table, properties): (&ObjectId, &Properties)| {
                Some((table.clone(), properties.get(&Property::Rows)?.clone()))
            };
            let accepted = self.accepted.iter().filter_map(rows).collect();
            let compared = seeds::assertions_in_use(sandbox.session(), &catalog, &accepted, &self.shown)?;
            return compared.map_err(unreadable);
        }
        let with_rows = self.seeds.texts().map(|(table, _)| table);
        let tables = self.accepted.iter().filter(|(_, properties)| properties.contains_key(&Property::Rows));
        let all: BTreeSet<&ObjectId> = tables.map(|(table, _)| table).chain(with_rows).collect();
        let exists = |table: &&&ObjectId| self.accepted.contains_key(**table) && self.found.contains_key(**table);
        let accepted = |table: &ObjectId| self.accepted.get(table)?.get(&Property::Rows).cloned();
        let texts = all.iter().filter(exists).map(|table| ((*table).clone(), accepted(table))).collect();
        seeds::assertions(&texts, &self.seeds, &self.shown).map_err(unreadable)
    }

    /// The schema as a snapshot has it.
    fn text(&self) -> String {
        let mut objects = self.found.0.clone();
        for (table, rows) in self.seeds.texts() {
            objects.entry(table.clone()).or_default().insert(Property::Rows, rows);
        }
        text::write(&objects)
    }

    /// Leaves the schema as it is for the review, or removes what an earlier run left.
    fn leave_pending(&self, is_accepted: bool) -> Result<(), SnapshotError> {
        let pending = pending_file(&self.file);
        let (action, result) = if is_accepted {
            ("remove", remove(&pending))
        } else {
            ("write", leave(&pending, "every object, property and row of the migrated schema", &self.text()))
        };
        result.map_err(|source| SnapshotError::File { action, file: pending, source })
    }
}

/// An object is as the schema snapshot has it.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct AsAccepted {
    object: ObjectId,
    accepted: Option<Properties>,
    file: PathBuf,
    /// What to do about a difference.
    next: &'static str,
}

const NEXT: &str = "; to accept it, or not: cargo xtask review";

impl Assertion for AsAccepted {
    fn subject(&self) -> Subject {
        Subject::of(self.object.clone())
    }

    fn sentence(&self) -> String {
        format!("is as accepted in {}", self.file.display())
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        // A property that it should have, and one that it has.
        let found = catalog.objects.properties(&self.object).into_iter().chain(&self.accepted).flat_map(BTreeMap::keys);
        let held = found.copied().filter(|property| is_held(*property));
        let all: BTreeSet<Property> = [Property::Existence].into_iter().chain(held).collect();
        looked_at(&self.object, &all.into_iter().collect::<Vec<_>>())
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let next = self.next;
        let catalog = Catalog::of(sandbox)?;
        let found = portable_of(sandbox, &catalog)?;
        let (accepted, found) = match (&self.accepted, found.get(&self.object)) {
            (Some(accepted), Some(found)) => (accepted, found),
            (None, _) => {
                return Err(self.refuted(vec![Property::Existence], &format!("it is not in the snapshot{next}")));
            }
            (Some(_), None) => {
                return Err(self.refuted(vec![Property::Existence], &format!("it does not exist{next}")));
            }
        };
        let (mut differing, mut told) = (Vec::new(), Vec::new());
        let properties: BTreeSet<&Property> = accepted.keys().chain(found.keys()).collect();
        for property in properties.into_iter().filter(|property| is_held(**property)) {
            let text = |value: Option<&String>| value.cloned().unwrap_or("unset".to_owned());
            let (is, was) = (found.get(property), accepted.get(property));
            let is_query = *property == Property::Definition && self.object.kind().is_view();
            if let (true, Some(is), Some(was)) = (is_query && is != was, is, was)
                && same_query(sandbox, is, was)?
            {
                continue;
            }
            if is != was {
                differing.push(*property);
                told.push(format!("{property} is {}, accepted is {}", text(is), text(was)));
            }
        }
        if told.is_empty() { Ok(()) } else { Err(self.refuted(differing, &told.join("\n"))) }
    }
}

impl AsAccepted {
    /// Points at what changed the properties that differ, and not at a later change of others.
    fn refuted(&self, properties: Vec<Property>, found: &str) -> Failure {
        refuted_by(Target::Properties(self.object.clone(), properties), found)
    }
}

/// What a snapshot of the sandbox would hold; worked out once for the catalog.
fn portable_of(sandbox: &mut Sandbox, catalog: &Catalog) -> Result<Arc<Portable>, DatabaseError> {
    let in_use = sandbox.template().in_use().cloned();
    sandbox.cached(|session| {
        let mut given = Given::of(session)?;
        let Some(in_use) = in_use else { return Ok(Portable(portable(&catalog.objects, &given))) };
        let owner = in_use.owner.map_or_else(|| owner_of(session), Ok)?;
        given = given.by(&owner);
        let mut objects = portable(&catalog.objects, &given);
        objects.retain(|object, _| !is_own(object));
        Ok(Portable(objects))
    })
}

struct Portable(BTreeMap<ObjectId, Properties>);

impl std::ops::Deref for Portable {
    type Target = BTreeMap<ObjectId, Properties>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The file for the optional migrations that are applied, else for this major version, else for all. With optional
/// migrations there is no other: the schema differs.
fn chosen(sandbox: &Sandbox, config: &pgproof_runner::Config, relative: &Path) -> PathBuf {
    let stem = relative.file_stem().unwrap_or_default().to_string_lossy();
    let named = |mark: &str| relative.with_file_name(format!("{stem}@{mark}.snap"));
    let with = sandbox.context().with().join("+");
    if !with.is_empty() {
        return named(&with);
    }
    let of_major = named(&sandbox.major().to_string());
    if config.path(&of_major).exists() { of_major } else { relative.to_owned() }
}
