//! The migrations of a schema and the databases in which they run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pgproof_runner::{CloneDatabase, Notes, Sandbox};
use pgproof_runner::{isolation::SchemaContext, isolation::Template};
use pgproof_runner::{migration::MigrationError, migration::apply};
use pgproof_sql::Migration;
use pgproof_sql::Target;
use pgproof_sql::Transaction;

use super::blame::blame;
use super::config::Rerun;
use super::{Change, State, Volatile};
use pgproof_assertions::{
    assertion::Failure, assertion::at_most, assertion::impossible, assertion::refuted, assertion::refuted_by,
};

/// The most changes that are reported.
const MOST_REPORTED: usize = 8;

/// The states of clean runs, by the text of the migrations. They hang on the template.
#[derive(Default)]
struct Taken(Mutex<BTreeMap<String, Arc<State>>>);

/// What differs between two clean runs, by the text of the migrations. It hangs on the template.
#[derive(Default)]
struct Differing(Mutex<BTreeMap<String, Arc<Volatile>>>);

/// Databases in which migrations have run once, by their text. They hang on the template.
#[derive(Default)]
struct Migrated(Mutex<BTreeMap<String, Arc<Template>>>);

/// A schema's migrations, and where they run.
#[derive(Debug, Clone)]
pub struct Runs {
    template: Arc<Template>,
    /// Whether runs start from a copy of the template, rather than from an empty database.
    on_copies: bool,
    transaction: Transaction,
    /// The numbers of migrations that have no down migration and need none.
    pub(super) once: Vec<u64>,
    /// How many cases of a property are tried, if not the default number.
    pub(super) cases: Option<u32>,
    /// In order.
    pub migrations: Arc<[Migration]>,
    pub(super) rerun: Arc<Rerun>,
    /// Where it is noted which differences were accepted.
    notes: Notes,
}

impl Runs {
    /// The migrations of a sandbox's schema.
    pub fn of(sandbox: &Sandbox) -> Result<Runs, Failure> {
        let context = sandbox.context();
        let migrations = context.migrations().map_err(impossible)?;
        if migrations.is_empty() {
            return Err(Failure::Expectation("the schema has no migrations".to_owned()));
        }
        let rerun = context.part::<Rerun>().map_err(impossible)?.unwrap_or_default();
        let transaction = context.configured().map(|(_, schema)| schema.transaction).unwrap_or_default();
        let template = Arc::clone(sandbox.template());
        Ok(Runs {
            template,
            on_copies: false,
            transaction,
            once: Vec::new(),
            cases: None,
            migrations,
            rerun,
            notes: sandbox.notes().clone(),
        })
    }

    /// The given migrations, in copies of a template.
    pub fn with(template: &Arc<Template>, migrations: Vec<Migration>, rerun: Rerun) -> Runs {
        let (transaction, once, cases) = (Transaction::default(), Vec::new(), None);
        let (template, migrations, rerun) = (Arc::clone(template), migrations.into(), Arc::new(rerun));
        Runs { template, on_copies: true, transaction, once, cases, migrations, rerun, notes: Notes::default() }
    }

    /// With these transaction boundaries.
    pub fn in_transactions_of(self, transaction: Transaction) -> Runs {
        Runs { transaction, ..self }
    }

    /// With this number of cases of each property.
    pub fn with_cases(self, cases: u32) -> Runs {
        Runs { cases: Some(cases), ..self }
    }

    /// These migrations need no down migration.
    pub fn never_rolled_back(self, once: Vec<u64>) -> Runs {
        Runs { once, ..self }
    }

    /// Applies migrations to a database.
    pub(super) fn run(&self, database: &CloneDatabase, migrations: &[Migration]) -> Result<(), MigrationError> {
        let mut session = database.session_for(migrations)?;
        apply(&mut session, migrations, self.transaction).map(drop)
    }

    /// The transaction boundaries.
    pub(super) fn transaction(&self) -> Transaction {
        self.transaction
    }

    /// Where the runs start, or what a run leads to.
    pub(super) fn template(&self) -> &Arc<Template> {
        &self.template
    }

    /// Whether runs start from a copy of the template.
    pub(super) fn on_copies(&self) -> bool {
        self.on_copies
    }

    /// What is known of the schema.
    pub fn context(&self) -> &Arc<SchemaContext> {
        &self.template.context
    }

    /// A database in which no migration has run.
    pub fn empty(&self) -> Result<CloneDatabase, Failure> {
        let made = if self.on_copies {
            CloneDatabase::copy_of(&self.template)
        } else {
            CloneDatabase::empty_for(&self.template)
        };
        made.map_err(impossible)
    }

    /// A database in which all migrations have run once: a copy, which takes less than to run them.
    pub(super) fn migrated(&self) -> Result<CloneDatabase, Failure> {
        CloneDatabase::copy_of(&self.migrated_template()?).map_err(impossible)
    }

    /// A template in which all migrations have run once, made at the first call for these migrations.
    pub fn migrated_template(&self) -> Result<Arc<Template>, Failure> {
        if !self.on_copies {
            return Ok(Arc::clone(&self.template));
        }
        let kept = self.template.cache().kept::<Migrated>();
        let mut kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.text();
        let known = kept.get(&key).cloned();
        let template = known.map_or_else(|| Ok::<_, Failure>(self.applied()?.into_template()), Ok)?;
        kept.insert(key, Arc::clone(&template));
        Ok(template)
    }

    /// Keeps a template in which all migrations have run once.
    pub(super) fn keep_migrated(&self, template: &Arc<Template>) {
        let kept = self.template.cache().kept::<Migrated>();
        kept.0.lock().unwrap_or_else(PoisonError::into_inner).insert(self.text(), Arc::clone(template));
    }

    /// A database in which all migrations are run once.
    fn applied(&self) -> Result<CloneDatabase, Failure> {
        let database = self.empty()?;
        self.run(&database, &self.migrations)
            .map_err(|error| failing(&error, format!("they do not apply: {error}")))?;
        Ok(database)
    }

    /// The text of all migrations.
    pub(super) fn text(&self) -> String {
        let texts = self.migrations.iter().flat_map(|migration| &migration.statements).map(|s| s.text.as_str());
        texts.collect::<Vec<_>>().join(";\n")
    }

    /// The state after one clean run; read once for each set of migrations.
    pub fn clean(&self) -> Result<Arc<State>, Failure> {
        let taken = self.template.cache().kept::<Taken>();
        let mut taken = taken.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.text();
        if let Some(clean) = taken.get(&key) {
            return Ok(Arc::clone(clean));
        }
        let clean = Arc::new(State::take(&mut self.migrated()?.session()?)?);
        taken.insert(key, Arc::clone(&clean));
        Ok(clean)
    }

    /// The differences between two clean runs; found out once for each set of migrations.
    pub(super) fn volatile(&self) -> Result<Arc<Volatile>, Failure> {
        let found = self.template.cache().kept::<Differing>();
        let mut found = found.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.text();
        if let Some(volatile) = found.get(&key) {
            return Ok(Arc::clone(volatile));
        }
        let state = self.clean()?;
        // Without rows, nothing can differ.
        let has_rows = state.rows.values().any(|rows| rows.count > 0);
        let twin = if has_rows { Some(State::take(&mut self.applied()?.session()?)?) } else { None };
        let volatile = Arc::new(state.volatile(twin.as_ref().unwrap_or(&state)));
        found.insert(key, Arc::clone(&volatile));
        Ok(volatile)
    }

    /// The changes from the state of a clean run.
    pub(super) fn changes_from_clean(&self, state: &State) -> Result<Vec<Change>, Failure> {
        self.changes_between(state, &*self.clean()?)
    }

    /// The changes from another state, without what differs between two clean runs.
    pub(super) fn changes_between(&self, is: &State, was: &State) -> Result<Vec<Change>, Failure> {
        let changes = is.changes_from(was, &Volatile::new());
        // Two clean runs are compared only if that can matter.
        let has_rows = changes.iter().any(|change| matches!(change, Change::Rows { .. }));
        Ok(if has_rows { is.changes_from(was, &*self.volatile()?) } else { changes })
    }

    /// Refutes if a state differs from that of a clean run.
    pub(super) fn demand_clean(&self, when: &str, state: &State) -> Result<(), Failure> {
        self.demand_none(when, &self.changes_from_clean(state)?)
    }

    /// The number of statements in the migrations.
    pub(super) fn statements(&self) -> usize {
        self.migrations.iter().map(|migration| migration.statements.len()).sum()
    }

    /// The location and kind of a statement, counted from 1 over all migrations.
    pub(super) fn place(&self, number: usize) -> String {
        let statement =
            self.migrations.iter().flat_map(|migration| &migration.statements).nth(number.saturating_sub(1));
        statement.map_or("the beginning".to_owned(), |statement| format!("{}, {}", statement.origin, statement.kind()))
    }

    /// The changes that are not accepted, as sentences, each with the location of the statement that most likely caused
    /// it.
    pub(super) fn reported(&self, changes: &[Change], by: &[Migration]) -> Vec<String> {
        let placed = changes.iter().filter(|change| !self.accepts(change)).map(|change| match blame(by, change) {
            Some(origin) => format!(
                "{change}
  by {origin}"
            ),
            None => change.to_string(),
        });
        at_most(MOST_REPORTED, placed.collect())
    }

    fn accepts(&self, change: &Change) -> bool {
        let (object, property, kind) = change.identity();
        let accepting = self.rerun.accepted.iter().find(|accepted| accepted.accepts(&object, property, kind));
        if let Some(accepted) = accepting {
            self.notes.accepted(accepted.to_string());
        }
        accepting.is_some()
    }

    /// The first change that is not accepted.
    pub(super) fn first<'a>(&self, changes: &'a [Change]) -> Option<&'a Change> {
        changes.iter().find(|change| !self.accepts(change))
    }

    /// Refutes if there are changes that are not accepted.
    pub(super) fn demand_none(&self, when: &str, changes: &[Change]) -> Result<(), Failure> {
        self.demand_none_by(&self.migrations, when, changes)
    }

    /// The same for changes caused by one of these files.
    pub(super) fn demand_none_by(&self, by: &[Migration], when: &str, changes: &[Change]) -> Result<(), Failure> {
        let reported = self.reported(changes, by);
        let Some(first) = self.first(changes) else { return Ok(()) };
        let target = match blame(by, first) {
            Some(origin) => Target::Place(origin),
            None => first.identity().0.into(),
        };
        Err(refuted_by(target, format!("{when}:\n{}", reported.join("\n"))))
    }
}

/// A refutation by migrations that fail, at the statement that does.
pub(super) fn failing(error: &MigrationError, found: String) -> Failure {
    match error.origin() {
        Some(origin) => refuted_by(Target::Place(origin.clone()), found),
        None => refuted(found),
    }
}
