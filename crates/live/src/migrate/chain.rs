//! What the migrations make, file by file: the catalog after each, and how many rows each table has then. They are applied
//! to a disposable database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pgproof_catalog::Objects;
use pgproof_runner::CloneDatabase;
use pgproof_runner::isolation::Template;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Identifier, Migration, ObjectId, ObjectKind, QualifiedName};

use super::MigrateError;
use crate::described::described;

/// What the migrations make, file by file.
#[derive(Debug)]
pub struct Chain {
    /// The files, in order.
    pub files: Arc<[Migration]>,
    /// The databases after 0, 1, … files; one more than there are files.
    steps: Vec<Step>,
}

/// A database after some files.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) objects: Objects,
    /// How many rows each table has.
    pub(super) rows: BTreeMap<QualifiedName, u64>,
}

impl Chain {
    /// Applies the migrations of a template to a disposable database. `database` is what the database is called in
    /// [`described`].
    pub fn of(template: &Arc<Template>, database: &str) -> Result<Chain, MigrateError> {
        let files = template.context.migrations().map_err(MigrateError::Chain)?;
        let disposable = CloneDatabase::empty_for(template)?;
        let mut reader = disposable.session().map_err(MigrateError::Expected)?;
        let owner = owner_of(template, &mut reader).map_err(MigrateError::Expected)?;
        let mut steps = Vec::with_capacity(files.len() + 1);
        for count in 0..=files.len() {
            if let Some(file) = count.checked_sub(1).and_then(|at| files.get(at)) {
                disposable.apply(std::slice::from_ref(file)).map_err(MigrateError::Chain)?;
            }
            let objects = described(&mut reader, database, Some(&owner)).map_err(MigrateError::Expected)?;
            let tables: Vec<QualifiedName> = tables(&objects).collect();
            let rows = rows_of(&mut reader, &tables).map_err(MigrateError::Expected)?;
            steps.push(Step { objects, rows });
        }
        Ok(Chain { files, steps })
    }

    /// The objects after all files.
    pub fn last(&self) -> &Objects {
        &self.steps[self.files.len()].objects
    }

    /// The objects after this many files.
    pub fn after(&self, files: usize) -> &Objects {
        &self.steps[files].objects
    }

    /// The databases after 0, 1, … files.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Those objects of a database that there are after any of the files.
    pub(super) fn ours(&self, live: &Objects) -> Objects {
        let known = self.steps.iter().flat_map(|step| step.objects.iter().map(|(object, _)| object));
        let known: BTreeSet<&ObjectId> = known.collect();
        let mut ours = live.clone();
        ours.retain(|object, _| known.contains(object));
        ours
    }
}

/// The role that applied the migrations of a template.
pub(crate) fn owner_of(template: &Template, reader: &mut Session) -> Result<Identifier, DatabaseError> {
    let superuser = || Ok(Identifier::new(reader.value("SELECT session_user")?.unwrap_or_default()));
    template.owner().map_or_else(superuser, |owner| Ok(Identifier::new(&owner.role)))
}

/// The tables among these objects.
pub(super) fn tables(objects: &Objects) -> impl Iterator<Item = QualifiedName> {
    let is_table = |object: &ObjectId| object.kind() == ObjectKind::Table;
    objects.iter().map(|(object, _)| object).filter(move |object| is_table(object)).map(ObjectId::qualified_name)
}

/// How many rows these tables have.
pub(super) fn rows_of(
    session: &mut Session,
    tables: &[QualifiedName],
) -> Result<BTreeMap<QualifiedName, u64>, DatabaseError> {
    /// PostgreSQL's planner is slow with thousands of branches.
    const AT_ONCE: usize = 100;
    let mut rows = BTreeMap::new();
    for some in tables.chunks(AT_ONCE) {
        let count = |(at, table): (usize, &QualifiedName)| format!("SELECT {at}, count(*) FROM {}", table.sql());
        let query: Vec<String> = some.iter().enumerate().map(count).collect();
        for row in session.rows(&query.join(" UNION ALL "))? {
            let [Some(at), Some(count)] = row.as_slice() else { continue };
            let table = at.parse().ok().and_then(|at: usize| some.get(at));
            rows.extend(table.map(|table| (table.clone(), count.parse().unwrap_or(0))));
        }
    }
    Ok(rows)
}
