//! Running migrations again: all of them, one alone, and all of them from a state in which some were applied.

use pgproof_runner::Sandbox;

use super::State;
use super::case::property;
use super::database::Runs;
use pgproof_assertions::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};

/// Somebody takes a number of each sequence.
const TAKE_NUMBERS: &str =
    "SELECT nextval(format('%I.%I', schemaname, sequencename)) FROM pg_sequences WHERE increment_by > 0";

pub(super) fn subject() -> Subject {
    Subject { kind: "migrations", name: "of the schema".to_owned(), object: None }
}

/// Run again, migrations change nothing.
#[derive(Debug, Clone, Copy)]
pub struct IsRepeatable;

impl Assertion for IsRepeatable {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        "change nothing when they are run again, together or one alone".to_owned()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let runs = Runs::of(sandbox)?;
        runs.again()
    }
}

impl Runs {
    /// Runs each migration twice, then all of them twice more.
    pub fn again(&self) -> Result<(), Failure> {
        let database = self.empty()?;
        let mut session = database.session()?;
        for migration in &self.migrations {
            let one = std::slice::from_ref(migration);
            self.run(&database, one).map_err(|error| refuted(format!("they do not apply: {error}")))?;
            session.run(TAKE_NUMBERS)?;
            let before = State::take(&mut session)?;
            let file = migration.file.display();
            self.run(&database, one)
                .map_err(|error| refuted(format!("{file} cannot be run a second time\n{error}")))?;
            let changes = State::take(&mut session)?.changes_since(&before);
            self.demand_none(&format!("{file}, run a second time, changes the database"), &changes)?;
        }
        session.run(TAKE_NUMBERS)?;
        let before = State::take(&mut session)?;
        for time in ["second", "third"] {
            let again = self.run(&database, &self.migrations);
            again.map_err(|error| refuted(format!("they cannot be run a {time} time\n{error}")))?;
            let changes = State::take(&mut session)?.changes_since(&before);
            self.demand_none(&format!("run a {time} time, they change the database"), &changes)?;
        }
        Ok(())
    }

    /// Applies all migrations to databases in which some files were applied.
    pub fn continuable(&self) -> Result<(), Failure> {
        let describe = |files: &usize| format!("after the first {files} files, all of them are run");
        property(self, "continued", 0..self.migrations.len(), describe, |files| self.continued(*files))
    }

    /// Applies the first so many files, then all of them: the state is that of a clean run.
    fn continued(&self, files: usize) -> Result<(), Failure> {
        let database = self.empty()?;
        let failed = |error| refuted(format!("they do not apply: {error}"));
        self.run(&database, &self.migrations[..files]).map_err(failed)?;
        self.run(&database, &self.migrations).map_err(failed)?;
        let state = State::take(&mut database.session()?)?;
        self.demand_clean("the state is not that of a clean run", &state)
    }
}

/// Migrations can be continued from any file.
#[derive(Debug, Clone, Copy)]
pub struct CanBeContinued;

impl Assertion for CanBeContinued {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        "lead to one state from whichever file they had been applied to".to_owned()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        Runs::of(sandbox)?.continuable()
    }
}
