//! Rolls migrations back: each to exactly the previous state, all of them, and in a wrong order.

use std::collections::BTreeMap;

use pgproof_assertions::pin::Pin;
use pgproof_catalog::Catalog;
use pgproof_runner::Sandbox;
use pgproof_runner::migration::MigrationError;
use pgproof_sql::Migration;

use super::database::{Runs, failing};
use super::repeat::{pins, subject};
use super::{Change, State};
use pgproof_assertions::{
    assertion::Assertion, assertion::Failure, assertion::Subject, assertion::impossible, assertion::refuted,
};

/// Migrations can be rolled back.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone, Copy)]
pub struct CanBeRolledBack;

impl Assertion for CanBeRolledBack {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        "can be rolled back, each to what stood before it, and applied again".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        pins()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let runs = Runs::of(sandbox)?;
        let rollbacks = sandbox.context().rollbacks().map_err(impossible)?;
        if rollbacks.is_empty() {
            return Err(Failure::Expectation(
                "the schema has no rollbacks; `rollback` in pgproof.toml names their directory".to_owned(),
            ));
        }
        runs.rolled_back(&rollbacks, true)
    }
}

impl Runs {
    /// Rolls each migration back right after it is applied, then all of them, then each alone in a wrong order.
    ///
    /// If migrations are not re-run (`repeatable` is false), a wrong order is not tried.
    pub fn rolled_back(&self, rollbacks: &[Migration], repeatable: bool) -> Result<(), Failure> {
        let back: BTreeMap<u64, &Migration> = rollbacks.iter().map(|rollback| (rollback.number, rollback)).collect();
        let database = self.empty()?;
        let mut session = database.session()?;
        let failed = |migration: &Migration, error: MigrationError| {
            failing(&error, format!("{} fails\n{error}", migration.file.display()))
        };
        for (applied, migration) in self.migrations.iter().enumerate() {
            let Some(rollback) = back.get(&migration.number) else {
                if self.once.contains(&migration.number) {
                    self.run(&database, std::slice::from_ref(migration)).map_err(|error| failed(migration, error))?;
                    continue;
                }
                return Err(refuted(format!("no down migration rolls {} back", migration.file.display())));
            };
            let before = State::take(&mut session)?;
            self.run(&database, std::slice::from_ref(migration)).map_err(|error| failed(migration, error))?;
            let after = State::take(&mut session)?;
            self.run(&database, std::slice::from_ref(*rollback)).map_err(|error| failed(rollback, error))?;
            let left = self.changes_after(applied, &State::take(&mut session)?, &before)?;
            let when = format!(
                "{} does not lead back to what stood before {}",
                rollback.file.display(),
                migration.file.display()
            );
            self.demand_none(&when, &left)?;
            self.run(&database, std::slice::from_ref(migration)).map_err(|error| failed(migration, error))?;
            let again = self.changes_after(applied + 1, &State::take(&mut session)?, &after)?;
            self.demand_none(
                &format!("rolled back and applied again, {} leads to another state", migration.file.display()),
                &again,
            )?;
        }
        for rollback in rollbacks {
            self.run(&database, std::slice::from_ref(rollback)).map_err(|error| failed(rollback, error))?;
        }
        let nothing = State::take(&mut self.empty()?.session()?)?;
        let left = self.changes_between(&State::take(&mut session)?, &nothing)?;
        self.demand_none("all rolled back, something is left", &left)?;
        let last = self.migrations.last().map(|migration| migration.number);
        for rollback in rollbacks.iter().filter(|rollback| repeatable && Some(rollback.number) != last) {
            self.rolled_back_too_early(rollback)?;
        }
        Ok(())
    }

    /// The changes from another state after this many files. A table that a later file renames has volatile columns
    /// under its old name here, so if rows differ, two databases at this point say which columns always do.
    fn changes_after(&self, applied: usize, is: &State, was: &State) -> Result<Vec<Change>, Failure> {
        let changes = self.changes_between(is, was)?;
        if !changes.iter().any(|change| matches!(change, Change::Rows { .. })) {
            return Ok(changes);
        }
        let at_this_point = || -> Result<State, Failure> {
            let database = self.empty()?;
            self.run(&database, &self.migrations[..applied])
                .map_err(|error| failing(&error, format!("they do not apply: {error}")))?;
            Ok(State::take(&mut database.session()?)?)
        };
        let mut volatile = at_this_point()?.volatile(&at_this_point()?);
        volatile.extend(self.volatile()?.iter().map(|(table, columns)| (table.clone(), columns.clone())));
        Ok(is.changes_from(was, &volatile))
    }

    /// Rolls a migration back while later ones are applied: either this is rejected and changes nothing, or everything
    /// can be applied again.
    fn rolled_back_too_early(&self, rollback: &Migration) -> Result<(), Failure> {
        let database = self.migrated()?;
        let file = rollback.file.display();
        let mut session = database.session()?;
        let before = State::take(&mut session)?;
        let refused = self.run(&database, std::slice::from_ref(rollback)).err();
        // A rejection that changes nothing is the best outcome.
        if refused.is_some() && State::take(&mut session)?.changes_since(&before).is_empty() {
            return Ok(());
        }
        if let Err(error) = self.run(&database, &self.migrations) {
            let how = if refused.is_some() { "was rejected half way" } else { "was accepted" };
            return Err(refuted(format!(
                "in a wrong order, {file} {how}, and the migrations no longer apply\n{error}"
            )));
        }
        let state = State::take(&mut database.session()?)?;
        let when = format!("rolled back in a wrong order by {file} and applied again, they lead to another state");
        self.demand_none_by(std::slice::from_ref(rollback), &when, &self.changes_from_clean(&state)?)
    }
}
