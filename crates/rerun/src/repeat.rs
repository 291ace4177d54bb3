//! Re-runs migrations: all of them, a single one, and all of them from a partially applied state.

use pgproof_assertions::pin::Pin;
use pgproof_catalog::Catalog;
use pgproof_runner::evidence::{Cases, Extent};
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_server::Session;
use pgproof_sql::{ObjectId, ObjectKind, Property};

use super::State;
use super::case::{drawn, property};
use super::database::{Runs, failing};
use pgproof_assertions::{assertion::Assertion, assertion::Failure, assertion::Subject};

/// Up to this many files, all are tried.
const FEW_FILES: usize = 8;

/// Uses one number of each sequence, as a user would.
pub(super) const TAKE_NUMBERS: &str =
    "SELECT nextval(format('%I.%I', schemaname, sequencename)) FROM pg_sequences WHERE increment_by > 0";

pub(super) fn subject() -> Subject {
    Subject::of(ObjectId::global(ObjectKind::Migrations, "of the schema"))
}

/// What every assertion about migrations pins.
pub(super) fn pins() -> Vec<Pin> {
    vec![Pin::acted_out(subject().object, Property::Rerun)]
}

/// Run again, migrations change nothing.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone, Copy, Default)]
pub struct IsRepeatable;

impl Assertion for IsRepeatable {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        "change nothing when they are run again, together or one alone".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        pins()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let runs = Runs::of(sandbox)?;
        runs.again()?;
        let files = runs.migrations.len();
        sandbox.notes().tried(Extent { tried: files, of: files, what: Cases::Files });
        Ok(())
    }
}

impl Runs {
    /// Runs each migration twice, then all of them twice more.
    pub fn again(&self) -> Result<(), Failure> {
        if self.migrations.len() == 1 && self.certain()?.contains(&self.statements()) {
            return Ok(());
        }
        let database = self.empty()?;
        let mut session = database.session()?;
        for migration in &*self.migrations {
            let one = std::slice::from_ref(migration);
            self.run(&database, one).map_err(|error| failing(&error, format!("they do not apply: {error}")))?;
            session.run(TAKE_NUMBERS)?;
            let before = State::take(&mut session)?;
            let file = migration.file.display();
            self.run(&database, one)
                .map_err(|error| failing(&error, format!("{file} cannot be run a second time\n{error}")))?;
            let changes = State::take(&mut session)?.changes_since(&before);
            self.demand_none(&format!("{file}, run a second time, changes the database"), &changes)?;
        }
        self.run_twice_more(&database, &mut session)
    }

    /// Runs all migrations, then twice more.
    pub fn again_together(&self) -> Result<(), Failure> {
        if self.certain()?.contains(&self.statements()) {
            return Ok(());
        }
        let database = self.migrated()?;
        let mut session = database.session()?;
        self.run_twice_more(&database, &mut session)
    }

    fn run_twice_more(&self, database: &CloneDatabase, session: &mut Session) -> Result<(), Failure> {
        session.run(TAKE_NUMBERS)?;
        let before = State::take(session)?;
        for time in ["second", "third"] {
            let again = self.run(database, &self.migrations);
            again.map_err(|error| failing(&error, format!("they cannot be run a {time} time\n{error}")))?;
            let changes = State::take(session)?.changes_since(&before);
            self.demand_none(&format!("run a {time} time, they change the database"), &changes)?;
        }
        Ok(())
    }

    /// Applies all migrations to databases in which some files were applied: every number of files if there are few,
    /// else cases. Returns how many were tried.
    pub fn resumable(&self, next: Next) -> Result<usize, Failure> {
        let files = self.migrations.len();
        let describe = |files: &usize| match next {
            Next::All => format!("after the first {files} files, all of them are run"),
            Next::Rest => format!("after the first {files} files, in a session of their own, the rest are run"),
        };
        if self.has_few_files()? {
            for first in 0..files {
                self.resumed(first, next).map_err(|failure| failure.in_case(&describe(&first)))?;
            }
            return Ok(files);
        }
        property(self, "resumed", None, 0..files, describe, |files| self.resumed(*files, next))?;
        Ok(self.cases()? as usize)
    }

    /// After how many files it is tried to go on.
    pub(super) fn resumptions(&self) -> Result<Vec<usize>, Failure> {
        let files = self.migrations.len();
        if self.has_few_files()? { Ok((0..files).collect()) } else { drawn(self, "resumed", None, 0..files) }
    }

    /// Whether it is tried to go on after every file.
    fn has_few_files(&self) -> Result<bool, Failure> {
        Ok(self.migrations.len() <= (self.cases()? as usize).max(FEW_FILES))
    }

    /// Applies the first files, this many, then all of them or the rest; requires the state of a clean run.
    fn resumed(&self, files: usize, next: Next) -> Result<(), Failure> {
        if next == Next::All && self.certain()?.contains(&self.statements_of(files)) {
            return Ok(());
        }
        let database = self.empty()?;
        let failed = |error| failing(&error, format!("they do not apply: {error}"));
        self.run(&database, &self.migrations[..files]).map_err(failed)?;
        let next = if next == Next::All { &self.migrations[..] } else { &self.migrations[files..] };
        self.run(&database, next).map_err(failed)?;
        let state = State::take(&mut database.session()?)?;
        self.demand_clean("the state is not that of a clean run", &state)
    }
}

/// Migrations can be resumed from any file.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone, Copy, Default)]
pub struct CanBeResumed {
    next: Next,
}

/// What is run after some files were applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Next {
    /// All files, those that were applied included.
    #[default]
    All,
    /// Only those that were not applied: a tool records which were.
    Rest,
}

impl CanBeResumed {
    /// Only the files that were not applied are run.
    pub fn by_the_rest(self) -> CanBeResumed {
        CanBeResumed { next: Next::Rest }
    }
}

impl Assertion for CanBeResumed {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        match self.next {
            Next::All => "lead to one state from whichever file they had been applied to",
            Next::Rest => "lead to one state when the rest is applied from whichever file they had been applied to",
        }
        .to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        pins()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let runs = Runs::of(sandbox)?;
        let tried = runs.resumable(self.next)?;
        sandbox.notes().tried(Extent { tried, of: runs.migrations.len(), what: Cases::Files });
        Ok(())
    }
}
