//! Properties of each file of migrations where it stands: run again, killed and run again, rolled back. What one file breaks
//! does not hide another: each is tried on the state that the files before it leave.
//!
//! Whether a property holds is found out in a transaction that is rolled back (`trial`), which takes little more than the
//! statements themselves. Where that does not decide, the file gets databases of its own, and the properties of `repeat`,
//! `kill` and `rollback` say what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pgproof_assertions::assertion::{Failure, impossible};
use pgproof_runner::isolation::Template;
use pgproof_runner::migration::apply;
use pgproof_sql::Migration;

use super::Rerun;
use super::database::{Runs, failing};
use super::trial::Trial;

/// A property of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileProperty {
    /// Run again, it changes nothing.
    Again,
    /// Killed after a statement and run again, it leads to the state of a clean run.
    Killed,
    /// Its down migration leads back to exactly what stood before it.
    RolledBack,
}

/// What is tried with each file.
#[derive(Debug, Clone, Default)]
pub struct FilePlan<'a> {
    /// The properties. Rolling back is tried with files that have a down migration.
    pub properties: Vec<FileProperty>,
    /// The down migrations, by number.
    pub rollbacks: BTreeMap<u64, &'a Migration>,
    /// The numbers of files of which only the outcome counts: why they cannot be run again is not searched, because their
    /// tool runs no file twice.
    pub in_brief: BTreeSet<u64>,
}

/// A property that was tried with one file.
#[derive(Debug)]
pub struct Tried {
    /// The property.
    pub property: FileProperty,
    /// How it ended; none if the property does not hold and no reason was searched.
    pub result: Option<Result<(), Failure>>,
}

/// A file with more statements is worth a copy of the database: in one transaction with all of them, what a part of them does
/// cannot be told from what the others did.
const LARGE: usize = 100;

/// After so many files, what trials have left in the catalogs is removed.
const FILES_BETWEEN_VACUUMS: usize = 40;

/// What is rolled back leaves rows in these catalogs that nobody sees and every query reads. The owner of a database may
/// remove them.
const VACUUM: &str = "VACUUM pg_class, pg_attribute, pg_attrdef, pg_constraint, pg_depend, pg_description, pg_index, pg_proc, \
                      pg_rewrite, pg_sequence, pg_trigger, pg_type";

impl Runs {
    /// Applies the files in order and tries the properties with each; `each` gets the file and what was tried with it.
    pub fn by_file(&self, plan: &FilePlan<'_>, each: &mut dyn FnMut(&Migration, Vec<Tried>)) -> Result<(), Failure> {
        let chain = self.empty()?;
        let open = || Ok::<_, Failure>((chain.migration_session()?, chain.migration_session()?));
        let (mut session, mut runner) = open()?;
        for (number, migration) in self.migrations.iter().enumerate() {
            if number > 0 && number % FILES_BETWEEN_VACUUMS == 0 {
                session.run(VACUUM)?;
            }
            let back = plan.rollbacks.get(&migration.number).copied();
            let mut properties = plan.properties.clone();
            properties.retain(|property| *property != FileProperty::RolledBack || back.is_some());
            let trial = Trial {
                migration,
                back,
                in_transaction: migration.is_one_transaction(self.transaction()),
                cases: self.cases()? as usize,
            };
            let is_large = migration.statements.len() > LARGE;
            let holding = if is_large { BTreeSet::new() } else { trial.holding(&mut session, &properties)? };
            let in_brief = plan.in_brief.contains(&migration.number);
            let is_open = |property: &FileProperty| {
                let is_brief = in_brief && *property == FileProperty::Again;
                !is_brief && !holding.contains(property)
            };
            let mut before = None;
            if properties.iter().any(is_open) && number == 0 && self.on_copies() {
                before = Some(Arc::clone(self.template()));
            } else if properties.iter().any(is_open) {
                // A database is copied only while nobody is connected to it.
                drop((session, runner));
                before = Some(chain.frozen().map_err(impossible)?);
                (session, runner) = open()?;
            }
            let tried = properties.iter().map(|property| {
                let result = match &before {
                    _ if holding.contains(property) => Some(Ok(())),
                    Some(before) if is_open(property) => Some(self.alone(before, migration, back, *property)),
                    _ => None,
                };
                Tried { property: *property, result }
            });
            let tried: Vec<Tried> = tried.collect();
            let is_last = number + 1 == self.migrations.len();
            // What holds of the last file has shown that it applies.
            let is_done =
                is_last && !tried.is_empty() && tried.iter().all(|tried| matches!(tried.result, Some(Ok(()))));
            each(migration, tried);
            if is_done {
                break;
            }
            let applied = apply(&mut runner, std::slice::from_ref(migration), self.transaction());
            applied.map_err(|error| failing(&error, format!("they do not apply: {error}")))?;
        }
        Ok(())
    }

    /// The property of one file, in databases of its own that are copies of `before`.
    fn alone(
        &self,
        before: &Arc<Template>,
        migration: &Migration,
        back: Option<&Migration>,
        property: FileProperty,
    ) -> Result<(), Failure> {
        let runs = Runs::with(before, vec![migration.clone()], Rerun::clone(&self.rerun))
            .in_transactions_of(self.transaction())
            .with_cases(self.cases()?);
        match (property, back) {
            (FileProperty::Again, _) => runs.again(),
            (FileProperty::Killed, _) => runs.killed().map(drop),
            (FileProperty::RolledBack, Some(back)) => runs.rolled_back(std::slice::from_ref(back), false),
            (FileProperty::RolledBack, None) => Ok(()),
        }
    }
}
