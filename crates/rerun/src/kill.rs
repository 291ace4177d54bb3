//! Runs that are killed: the backend is terminated after a statement, or during one that commits on the way, and then
//! everything is run again.

use std::time::{Duration, Instant};

use pgproof_runner::Sandbox;
use pgproof_runner::migration::apply_until;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::Statement;
use pgproof_sql::quote::identifier;

use super::State;
use super::case::property;
use super::database::Runs;
use super::repeat::subject;
use pgproof_assertions::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::Catalog;

/// So few statements are tried all.
const FEW_STATEMENTS: usize = 8;

/// How long a statement that commits on the way may take to come to a wait.
const DEADLINE: Duration = Duration::from_secs(10);

/// Killed anywhere and run again, migrations lead to the same state.
#[derive(Debug, Clone, Copy)]
pub struct SurvivesKills;

impl Assertion for SurvivesKills {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        "lead to the same state when they are killed after or during a statement and run again".to_owned()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        Runs::of(sandbox)?.killed()
    }
}

impl Runs {
    /// Kills runs after cases of statements, and during each statement that commits on the way.
    pub fn killed(&self) -> Result<(), Failure> {
        let statements = self.migrations.iter().flat_map(|migration| &migration.statements);
        for (at, _) in statements.enumerate().filter(|(_, statement)| statement.needs_no_transaction()) {
            let problem = |failure| match failure {
                Failure::Refuted { found, object } => {
                    Failure::Refuted { found: format!("killed during {}\n{found}", self.place(at + 1)), object }
                }
                other => other,
            };
            self.killed_during(at).map_err(problem)?;
        }
        let describe = |after: &usize| format!("killed after {}", self.place(*after));
        if self.statements() <= FEW_STATEMENTS {
            for after in 1..=self.statements() {
                self.killed_after(after).map_err(|failure| match failure {
                    Failure::Refuted { found, object } => {
                        Failure::Refuted { found: format!("{}\n{found}", describe(&after)), object }
                    }
                    other => other,
                })?;
            }
            return Ok(());
        }
        property(self, "killed", 1..=self.statements(), describe, |after| self.killed_after(*after))
    }

    /// Kills a run after so many statements, and runs everything again.
    pub fn killed_after(&self, statements: usize) -> Result<(), Failure> {
        let database = self.empty()?;
        let mut session = database.session()?;
        let applied = apply_until(&mut session, &self.migrations, self.transaction(), statements);
        applied.map_err(|error| refuted(format!("they do not apply: {error}")))?;
        terminate(&mut session)?;
        self.recovers(&database)
    }

    /// Kills a run during the statement of this number, from 0, once it waits between two of its own transactions.
    fn killed_during(&self, number: usize) -> Result<(), Failure> {
        let database = self.empty()?;
        let mut session = database.session()?;
        let applied = apply_until(&mut session, &self.migrations, self.transaction(), number);
        applied.map_err(|error| refuted(format!("they do not apply: {error}")))?;
        let Some(statement) = self.migrations.iter().flat_map(|m| &m.statements).nth(number) else { return Ok(()) };
        let mut blocker = database.session()?;
        hold_all_tables(&mut blocker)?;
        let mut watcher = database.session()?;
        kill_while_it_waits(session, statement, &mut watcher)?;
        blocker.run("ROLLBACK")?;
        self.recovers(&database)
    }

    /// Everything is run again, and the state is that of a clean run.
    fn recovers(&self, database: &pgproof_runner::CloneDatabase) -> Result<(), Failure> {
        let again = self.run(database, &self.migrations);
        again.map_err(|error| refuted(format!("run again, they fail\n{error}")))?;
        let state = State::take(&mut database.session()?)?;
        self.demand_clean("run again, they lead to another state", &state)
    }
}

/// Ends a session's backend from outside, and waits until it is gone.
fn terminate(session: &mut Session) -> Result<(), DatabaseError> {
    let pid = session.value("SELECT pg_backend_pid()")?.unwrap_or_default();
    let mut killer = session.another()?;
    killer.run(&format!("SELECT pg_terminate_backend({pid})"))?;
    gone(&mut killer, &pid)
}

fn gone(session: &mut Session, pid: &str) -> Result<(), DatabaseError> {
    let started = Instant::now();
    let there = format!("SELECT 1 FROM pg_stat_activity WHERE pid = {pid}");
    while session.value(&there)?.is_some() && started.elapsed() < DEADLINE {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Holds a lock on every table that lets reads and writes through and that a statement waits for which commits on the
/// way, as a writer's transaction would.
fn hold_all_tables(session: &mut Session) -> Result<(), DatabaseError> {
    let tables: Vec<String> = Catalog::read(session)?.tables().map(pgproof_catalog::Relation::sql).collect();
    session.run("BEGIN")?;
    if !tables.is_empty() {
        session.run(&format!("LOCK TABLE {} IN ROW EXCLUSIVE MODE", tables.join(", ")))?;
    }
    Ok(())
}

/// Runs a statement in a thread of its own, and kills its backend as soon as it waits for a lock. One that does not wait
/// ends by itself.
fn kill_while_it_waits(
    mut session: Session,
    statement: &Statement,
    watcher: &mut Session,
) -> Result<(), DatabaseError> {
    let pid = session.value("SELECT pg_backend_pid()")?.unwrap_or_default();
    let name = identifier("pgproof_killed");
    session.run(&format!("SET application_name = {name}"))?;
    std::thread::scope(|scope| {
        let running = scope.spawn(move || session.run(&statement.text).is_ok());
        let waits = format!("SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'");
        let started = Instant::now();
        while !running.is_finished() && started.elapsed() < DEADLINE {
            if watcher.value(&waits)?.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        watcher.run(&format!("SELECT pg_terminate_backend({pid}) FROM pg_stat_activity WHERE pid = {pid}"))?;
        gone(watcher, &pid)
    })
}
