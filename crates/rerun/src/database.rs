//! The migrations of a schema and databases to run them in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pgproof_runner::config::Rerun;
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_runner::{isolation::SchemaContext, isolation::Template};
use pgproof_runner::{migration::MigrationError, migration::apply};
use pgproof_sql::Origin;
use pgproof_sql::Transaction;
use pgproof_sql::{Migration, Statement};

use super::{Change, State, Volatile};
use pgproof_assertions::{
    assertion::Failure, assertion::at_most, assertion::impossible, assertion::is_like, assertion::refuted,
};

/// The most changes that are told.
const MOST_TOLD: usize = 8;

/// A schema's migrations, and where they are run.
#[derive(Debug, Clone)]
pub struct Runs {
    template: Arc<Template>,
    /// Whether runs begin with a copy of the template, rather than with an empty database.
    on_copies: bool,
    transaction: Transaction,
    /// The numbers of migrations that nothing takes back, and nothing has to.
    pub(super) once: Vec<u64>,
    /// How many cases of a property are tried, if not the usual number.
    pub(super) cases: Option<u32>,
    /// In order.
    pub migrations: Vec<Migration>,
    pub(super) rerun: Rerun,
}

impl Runs {
    /// Those of the schema of a sandbox.
    pub fn of(sandbox: &Sandbox) -> Result<Runs, Failure> {
        let context = sandbox.context();
        let migrations = context.migrations().map_err(impossible)?;
        if migrations.is_empty() {
            return Err(Failure::Expectation("the schema has no migrations".to_owned()));
        }
        let configured = context.configured().map(|(_, schema)| (schema.rerun.clone(), schema.transaction));
        let (rerun, transaction) = configured.unwrap_or_default();
        let template = Arc::clone(sandbox.template());
        Ok(Runs { template, on_copies: false, transaction, once: Vec::new(), cases: None, migrations, rerun })
    }

    /// Those given, in copies of a template.
    pub fn with(template: &Arc<Template>, migrations: Vec<Migration>, rerun: Rerun) -> Runs {
        let (transaction, once, cases) = (Transaction::default(), Vec::new(), None);
        Runs { template: Arc::clone(template), on_copies: true, transaction, once, cases, migrations, rerun }
    }

    /// With this in one transaction.
    pub fn in_transactions_of(self, transaction: Transaction) -> Runs {
        Runs { transaction, ..self }
    }

    /// With this number of cases of each property.
    pub fn with_cases(self, cases: u32) -> Runs {
        Runs { cases: Some(cases), ..self }
    }

    /// Nothing has to take these migrations back.
    pub fn never_taken_back(self, once: Vec<u64>) -> Runs {
        Runs { once, ..self }
    }

    /// Applies migrations to a database.
    pub(super) fn run(&self, database: &CloneDatabase, migrations: &[Migration]) -> Result<(), MigrationError> {
        let file = migrations.first().map(|migration| migration.file.clone()).unwrap_or_default();
        let mut session = database.session().map_err(|source| MigrationError::Session { file, source })?;
        apply(&mut session, migrations, self.transaction).map(drop)
    }

    /// What one transaction holds.
    pub(super) fn transaction(&self) -> Transaction {
        self.transaction
    }

    /// What is known of the schema.
    pub fn context(&self) -> &Arc<SchemaContext> {
        &self.template.context
    }

    /// A database in which nothing was run yet.
    pub fn empty(&self) -> Result<CloneDatabase, Failure> {
        let made = if self.on_copies {
            CloneDatabase::copy_of(&self.template)
        } else {
            CloneDatabase::empty_for(&self.template)
        };
        made.map_err(impossible)
    }

    /// A database in which all migrations were run once.
    pub(super) fn migrated(&self) -> Result<CloneDatabase, Failure> {
        let database = self.empty()?;
        self.run(&database, &self.migrations).map_err(|error| refuted(format!("they do not apply: {error}")))?;
        Ok(database)
    }

    /// The state after one clean run, and what differs between two of them; taken once a process for each set of
    /// migrations.
    pub fn clean(&self) -> Result<Arc<(State, Volatile)>, Failure> {
        static TAKEN: Mutex<BTreeMap<String, Arc<(State, Volatile)>>> = Mutex::new(BTreeMap::new());
        let texts = self.migrations.iter().flat_map(|migration| &migration.statements).map(|s| s.text.as_str());
        let key = format!("{}\n{}", self.template.key(), texts.collect::<Vec<_>>().join(";\n"));
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clean) = taken.get(&key) {
            return Ok(Arc::clone(clean));
        }
        let state = State::take(&mut self.migrated()?.session()?)?;
        // Without rows there is nothing that could differ.
        let has_rows = state.rows.values().any(|rows| rows.count > 0);
        let twin = if has_rows { State::take(&mut self.migrated()?.session()?)? } else { state.clone() };
        let volatile = state.volatile(&twin);
        let clean = Arc::new((state, volatile));
        taken.insert(key, Arc::clone(&clean));
        Ok(clean)
    }

    /// Refutes if a state is not that of a clean run.
    pub(super) fn demand_clean(&self, when: &str, state: &State) -> Result<(), Failure> {
        let clean = self.clean()?;
        self.demand_none(when, &state.changes_from(&clean.0, &clean.1))
    }

    /// How many statements the migrations have.
    pub(super) fn statements(&self) -> usize {
        self.migrations.iter().map(|migration| migration.statements.len()).sum()
    }

    /// Where a statement stands and what kind it is, counted from 1 over all migrations.
    pub(super) fn place(&self, number: usize) -> String {
        let statement =
            self.migrations.iter().flat_map(|migration| &migration.statements).nth(number.saturating_sub(1));
        statement.map_or("the beginning".to_owned(), |statement| format!("{}, {}", statement.origin, statement.kind()))
    }

    /// The changes that are not accepted, as sentences; an object is told with the place where it was made.
    pub(super) fn told(&self, changes: &[Change], by: &[Migration]) -> Vec<String> {
        let told = changes.iter().map(|change| (change, change.to_string())).filter(|(_, text)| !self.accepts(text));
        let placed = told.map(|(change, text)| match blame(by, change) {
            Some(origin) => format!("{text}\n  by {origin}"),
            None => text,
        });
        at_most(MOST_TOLD, placed.collect())
    }

    fn accepts(&self, change: &str) -> bool {
        self.rerun.accepted.iter().any(|pattern| is_like(change, pattern))
    }

    /// Refutes if there are changes that are not accepted.
    pub(super) fn demand_none(&self, when: &str, changes: &[Change]) -> Result<(), Failure> {
        self.demand_none_by(&self.migrations, when, changes)
    }

    /// The same for changes that one of these files has made.
    pub(super) fn demand_none_by(&self, by: &[Migration], when: &str, changes: &[Change]) -> Result<(), Failure> {
        let told = self.told(changes, by);
        if told.is_empty() { Ok(()) } else { Err(refuted(format!("{when}:\n{}", told.join("\n")))) }
    }
}

/// The statement that most likely made a change: the last one of the kind that makes such changes and that names the
/// object, or its table.
fn blame(migrations: &[Migration], change: &Change) -> Option<Origin> {
    let (verbs, names): (Vec<String>, Vec<&str>) = match change {
        Change::Rows { table, .. } => {
            (["INSERT", "UPDATE", "DELETE", "COPY", "MERGE", "TRUNCATE"].map(str::to_owned).into(), vec![table])
        }
        Change::MadeAnew(table) => (vec!["DROP TABLE".to_owned()], vec![table]),
        Change::SetBack { sequence, .. } => {
            (["ALTER SEQUENCE", "SELECT", "TRUNCATE"].map(str::to_owned).into(), vec![sequence])
        }
        Change::Object(difference) => {
            let object = difference.object()?;
            let verbs = match object.kind.as_str() {
                "column" | "constraint" | "table" => vec!["ALTER TABLE".to_owned(), "CREATE TABLE".to_owned()],
                "enum" | "composite type" | "range type" => vec!["CREATE TYPE".to_owned(), "ALTER TYPE".to_owned()],
                kind => vec![format!("CREATE {}", kind.to_uppercase()), format!("ALTER {}", kind.to_uppercase())],
            };
            // `column t.c`, `policy p on t`, `function f(int)`.
            (verbs, object.name.split(['.', ' ', '(']).filter(|part| *part != "on").collect())
        }
    };
    let statements: Vec<_> = migrations.iter().flat_map(|migration| &migration.statements).collect();
    let names_one = |text: &str| {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        names.iter().any(|name| words.contains(name))
    };
    let last = |verb: &str| {
        let is_it = |statement: &&&Statement| statement.kind().starts_with(verb) && names_one(&statement.text);
        statements.iter().rev().find(is_it).map(|statement| statement.origin.clone())
    };
    verbs.iter().find_map(|verb| last(verb)).or_else(|| last("COMMENT")).or_else(|| last("DO"))
}
