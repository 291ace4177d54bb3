//! The schema snapshot: every object with every property that the migrations gave it, as a file that is reviewed like
//! plans. Each object of the file, and each of the database, is an assertion of its own.

mod portable;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pgproof_catalog::Catalog;
use pgproof_runner::Sandbox;
use pgproof_runner::isolation::SchemaState;
use pgproof_sql::{ObjectId, Property};

use crate::assertion::{Assertion, Differences, Failure, Subject, refuted};
use crate::check::{Check, fail};
use crate::pin::{Pin, looked_at};
use crate::printed::same_query;
use portable::{Properties, portable};

/// Checks of the whole schema.
pub trait CheckSchema {
    /// Checks that every object is as the schema snapshot has it, and that there is no other. The file is named by
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
        let context = std::sync::Arc::clone(self.context());
        let stop = |message: &str| -> ! { fail(context.name(), "schema", "is as accepted", message, None) };
        let Some((config, Some(relative))) = context.configured().map(|(c, schema)| (c, schema.snapshot.clone()))
        else {
            stop(
                "no schema snapshot is configured: add `snapshot = \"snapshots/NAME/schema.snap\"` to the schema in pgproof.toml",
            )
        };
        let relative = chosen(self, config, &relative);
        let file = config.path(&relative);
        let accepted = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            // One message, rather than one for each object.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let found = Catalog::of(self).and_then(|catalog| Ok(portable(&catalog.objects, &owner(self)?)));
                let written = found
                    .is_ok_and(|found| writes_pending() && write(&pending_file(&file), &text::write(&found)).is_ok());
                let next = if written {
                    "to accept the schema as it is: cargo xtask review"
                } else {
                    "run it outside CI, and accept the schema with: cargo xtask review"
                };
                stop(&format!("there is no {}; {next}", relative.display()))
            }
            Err(error) => stop(&format!("cannot read {}: {error}", relative.display())),
        };
        let content =
            accepted.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).map_or(&*accepted, |(_, c)| c);
        let accepted = match text::read(content) {
            Ok(objects) => objects,
            Err(line) => {
                stop(&format!("{}: line {line} after the header is no line of a schema snapshot", relative.display()))
            }
        };
        let found = match Catalog::of(self).and_then(|catalog| Ok(portable(&catalog.objects, &owner(self)?))) {
            Ok(found) => found,
            Err(error) => fail(context.name(), "schema", "is as accepted", &error.to_string(), Some(&error)),
        };
        let objects: BTreeSet<&ObjectId> = accepted.keys().chain(found.keys()).collect();
        let assertions: Vec<AsAccepted> = objects
            .into_iter()
            .map(|object| AsAccepted {
                object: object.clone(),
                accepted: accepted.get(object).cloned(),
                file: relative.clone(),
            })
            .collect();
        let before = self.unproven();
        self.check_all(assertions);
        if self.state() == SchemaState::AsMigrated && writes_pending() {
            let pending = pending_file(&file);
            let written =
                if self.unproven() == before { remove(&pending) } else { write(&pending, &text::write(&found)) };
            if let Err(error) = written {
                stop(&format!("cannot write {}: {error}", pending.display()));
            }
        }
    }
}

/// An object is as the schema snapshot has it.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct AsAccepted {
    object: ObjectId,
    accepted: Option<Properties>,
    file: PathBuf,
}

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
        let held = found.copied().filter(|property| {
            !matches!(property, Property::Position | Property::Version | Property::Cost | Property::StatisticsTarget)
        });
        let all: BTreeSet<Property> = [Property::Existence].into_iter().chain(held).collect();
        looked_at(&self.object, &all.into_iter().collect::<Vec<_>>())
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        const NEXT: &str = "to accept it, or not: cargo xtask review";
        let catalog = Catalog::of(sandbox)?;
        let found = portable_of(sandbox, &catalog)?;
        let (accepted, found) = match (&self.accepted, found.get(&self.object)) {
            (Some(accepted), Some(found)) => (accepted, found),
            (None, _) => return Err(refuted(format!("it is not in the snapshot; {NEXT}"))),
            (Some(_), None) => return Err(refuted(format!("it does not exist; {NEXT}"))),
        };
        let mut differences = Differences::default();
        let properties: BTreeSet<&Property> = accepted.keys().chain(found.keys()).collect();
        for property in properties {
            let text = |value: Option<&String>| value.cloned().unwrap_or("the default".to_owned());
            let (is, was) = (found.get(property), accepted.get(property));
            let is_query = *property == Property::Definition && self.object.kind().is_view();
            if let (true, Some(is), Some(was)) = (is_query && is != was, is, was)
                && same_query(sandbox, is, was)?
            {
                continue;
            }
            differences.compare(property.name(), text(is), text(was));
        }
        differences.verdict()
    }
}

/// What a snapshot of the sandbox would hold; worked out once for the catalog.
fn portable_of(sandbox: &mut Sandbox, catalog: &Catalog) -> Result<std::sync::Arc<Portable>, Failure> {
    let owner = owner(sandbox)?;
    let found = sandbox.cached(|_| Ok::<_, std::convert::Infallible>(Portable(portable(&catalog.objects, &owner))));
    found.map_err(|never| match never {})
}

struct Portable(BTreeMap<ObjectId, Properties>);

impl std::ops::Deref for Portable {
    type Target = BTreeMap<ObjectId, Properties>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The role that applied the migrations.
fn owner(sandbox: &mut Sandbox) -> Result<String, pgproof_server::DatabaseError> {
    struct Owner(String);
    let owner = sandbox.cached(|session| {
        Ok::<_, pgproof_server::DatabaseError>(Owner(session.value("SELECT session_user")?.unwrap_or_default()))
    })?;
    Ok(owner.0.clone())
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

fn pending_file(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{name}.new"))
}

fn write(file: &Path, content: &str) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(
        file,
        format!("---\ndescription: \"every object and property of the migrated schema\"\n---\n{content}"),
    )
}

fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// As insta decides it: not if `INSTA_UPDATE` forbids it, and not in CI unless it says otherwise.
pub fn writes_pending() -> bool {
    match std::env::var("INSTA_UPDATE").as_deref() {
        Ok("no") => false,
        Ok("auto") | Err(_) => std::env::var_os("CI").is_none_or(|ci| ci.is_empty() || ci == "false"),
        Ok(_) => true,
    }
}
