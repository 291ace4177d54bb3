//! Two concurrent runs on one database. Serialised, both succeed; otherwise PostgreSQL decides, and the outcome is
//! reported.

use pgproof_assertions::pin::Pin;
use pgproof_catalog::Catalog;
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_runner::{migration::MigrationError, migration::apply, migration::apply_alone};

use super::State;
use super::database::Runs;
use super::repeat::{pins, subject};
use pgproof_assertions::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};

/// Two concurrent runs succeed.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone, Copy)]
pub struct CanRunAtOnce;

impl Assertion for CanRunAtOnce {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        "end well when two run them at once, taking turns".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        pins()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        Runs::of(sandbox)?.at_once()
    }
}

impl Runs {
    /// Two serialised runs both succeed; two unserialised runs, or the next one if both fail, leave the state of a clean run.
    pub fn at_once(&self) -> Result<(), Failure> {
        // Two that take turns are one run after the other. A schema that is configured says that its runs do so.
        if !self.on_copies() || !self.certain()?.contains(&self.statements()) {
            self.at_once_taking_turns()?;
        }
        let database = self.empty()?;
        let problems = self.two(&database, false)?;
        // Both may fail, by chance: then the next run must complete what they left.
        if let [one, other] = problems.as_slice() {
            self.run(&database, &self.migrations).map_err(|error| {
                refuted(format!("not taking turns, both fail, and the next run fails too\n{one}\n{other}\n{error}"))
            })?;
        }
        let state = State::take(&mut database.session()?)?;
        self.demand_clean("after two runs at once, the state is not that of a clean run", &state)
    }

    fn at_once_taking_turns(&self) -> Result<(), Failure> {
        let database = self.empty()?;
        let problems = self.two(&database, true)?;
        if let Some(problem) = problems.first() {
            return Err(refuted(format!("taking turns, one of the two fails\n{problem}")));
        }
        let state = State::take(&mut database.session()?)?;
        self.demand_clean("after two runs that took turns, the state is not that of a clean run", &state)
    }

    /// Two concurrent runs; returns what went wrong.
    fn two(&self, database: &CloneDatabase, taking_turns: bool) -> Result<Vec<MigrationError>, Failure> {
        let run = if taking_turns { apply_alone } else { apply };
        let (mut one, mut other) = (database.migration_session()?, database.migration_session()?);
        let transaction = self.transaction();
        let results = std::thread::scope(|scope| {
            let other = scope.spawn(|| run(&mut other, &self.migrations, transaction));
            let one = run(&mut one, &self.migrations, transaction);
            [one, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))]
        });
        Ok(results.into_iter().filter_map(Result::err).collect())
    }
}
