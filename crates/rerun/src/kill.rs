//! Killed runs: the backend is terminated after a statement, or during one that commits midway, and then everything is
//! run again.

use std::time::{Duration, Instant};

use pgproof_assertions::pin::Pin;
use pgproof_runner::Sandbox;
use pgproof_runner::evidence::{Cases, Extent};
use pgproof_runner::migration::apply_until;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::Statement;
use pgproof_sql::quote::identifier;

use super::State;
use super::case::{drawn, property, seed};
use super::database::{Runs, failing};
use super::repeat::{pins, subject};
use pgproof_assertions::{assertion::Assertion, assertion::Failure, assertion::Subject};
use pgproof_catalog::Catalog;

/// Up to this many statements, all are tried.
const FEW_STATEMENTS: usize = 8;

/// How long a statement that commits midway may take to start waiting.
const DEADLINE: Duration = Duration::from_secs(10);

/// Killed at any point and run again, migrations lead to the same state.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone, Copy, Default)]
pub struct SurvivesKills;

impl Assertion for SurvivesKills {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        "lead to the same state when they are killed after or during a statement and run again".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        pins()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let runs = Runs::of(sandbox)?;
        let tried = runs.killed()?;
        sandbox.notes().tried(Extent { tried, of: runs.kill_points(), what: Cases::KillPoints });
        Ok(())
    }
}

impl Runs {
    /// Kills runs after the statements of the cases, at least once in every file, and during each statement that
    /// commits midway; returns how many points were tried.
    pub fn killed(&self) -> Result<usize, Failure> {
        let mut during = 0;
        let statements = self.migrations.iter().flat_map(|migration| &migration.statements);
        for (at, _) in statements.enumerate().filter(|(_, statement)| statement.needs_no_transaction()) {
            self.killed_during(at)
                .map_err(|failure| failure.in_case(&format!("killed during {}", self.place(at + 1))))?;
            during += 1;
        }
        let describe = |after: usize| format!("killed after {}", self.place(after));
        let certain = self.certain()?;
        let kill =
            |after: usize| if certain.contains(&self.committed(after)) { Ok(()) } else { self.killed_after(after) };
        let chosen = self.moments(seed()?)?;
        for after in &chosen {
            kill(*after).map_err(|failure| failure.in_case(&describe(*after)))?;
        }
        let more = self.more_kills(&chosen)?;
        if more > 0 {
            let all = 1..=self.statements();
            property(self, "killed", Some(more), all, |after| describe(*after), |after| kill(*after))?;
        }
        Ok(during + chosen.len() + more as usize)
    }

    /// All statements after which a run is killed, counted from 1.
    pub(super) fn kills(&self) -> Result<Vec<usize>, Failure> {
        let mut chosen = self.moments(seed()?)?;
        let more = self.more_kills(&chosen)?;
        if more > 0 {
            chosen.extend(drawn(self, "killed", Some(more), 1..=self.statements())?);
        }
        Ok(chosen)
    }

    /// How many statements are drawn in addition to those that are chosen.
    fn more_kills(&self, chosen: &[usize]) -> Result<u32, Failure> {
        let more = self.cases()?.saturating_sub(u32::try_from(chosen.len()).unwrap_or(u32::MAX));
        Ok(if chosen.len() < self.statements() { more } else { 0 })
    }

    /// The number of points at which a run can be killed: after each statement, and during those that commit midway.
    pub fn kill_points(&self) -> usize {
        let statements = self.migrations.iter().flat_map(|migration| &migration.statements);
        self.statements() + statements.filter(|statement| statement.needs_no_transaction()).count()
    }

    /// The statements after which a run is killed, counted from 1: all if there are few, else one per file, by the
    /// seed. Where the number of cases was given, one in as many files.
    fn moments(&self, seed: u64) -> Result<Vec<usize>, Failure> {
        if self.statements() <= FEW_STATEMENTS {
            return Ok((1..=self.statements()).collect());
        }
        let mut before = 0;
        let mut moments = Vec::new();
        for migration in &*self.migrations {
            let statements = migration.statements.len();
            // Closer to the middle than to the ends, where a file is partly applied.
            let nth = usize::try_from(seed).unwrap_or_default().wrapping_mul(7) + statements.div_ceil(2);
            moments.push(before + nth.saturating_sub(1) % statements.max(1) + 1);
            before += statements;
        }
        let most = if self.cases.is_some() { self.cases()? as usize } else { moments.len() };
        let step = moments.len().div_ceil(most.max(1)).max(1);
        Ok(moments.into_iter().step_by(step).collect())
    }

    /// Kills a run after this many statements, and runs everything again.
    pub fn killed_after(&self, statements: usize) -> Result<(), Failure> {
        let database = self.empty()?;
        let mut session = database.migration_session()?;
        let applied = apply_until(&mut session, &self.migrations, self.transaction(), statements);
        applied.map_err(|error| failing(&error, format!("they do not apply: {error}")))?;
        terminate(&mut session)?;
        self.recovers(&database)
    }

    /// Kills a run during the statement with this number, from 0, once it waits between two of its own transactions.
    fn killed_during(&self, number: usize) -> Result<(), Failure> {
        let database = self.empty()?;
        let mut session = database.migration_session()?;
        let applied = apply_until(&mut session, &self.migrations, self.transaction(), number);
        applied.map_err(|error| failing(&error, format!("they do not apply: {error}")))?;
        let Some(statement) = self.migrations.iter().flat_map(|m| &m.statements).nth(number) else { return Ok(()) };
        let mut blocker = database.session()?;
        hold_all_tables(&mut blocker)?;
        let mut watcher = database.session()?;
        kill_while_it_waits(session, statement, &mut watcher)?;
        blocker.run("ROLLBACK")?;
        self.recovers(&database)
    }

    /// Runs everything again, and requires the state of a clean run.
    fn recovers(&self, database: &pgproof_runner::CloneDatabase) -> Result<(), Failure> {
        let again = self.run(database, &self.migrations);
        again.map_err(|error| failing(&error, format!("run again, they fail\n{error}")))?;
        let state = State::take(&mut database.session()?)?;
        self.demand_clean("run again, they lead to another state", &state)
    }
}

/// Terminates a session's backend from outside, and waits until it has exited.
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

/// Locks every table as a writer's transaction would: the lock allows reads and writes, but a statement that commits
/// midway waits for it.
fn hold_all_tables(session: &mut Session) -> Result<(), DatabaseError> {
    let tables: Vec<String> = Catalog::read(session)?.tables().map(pgproof_catalog::Relation::sql).collect();
    session.run("BEGIN")?;
    if !tables.is_empty() {
        session.run(&format!("LOCK TABLE {} IN ROW EXCLUSIVE MODE", tables.join(", ")))?;
    }
    Ok(())
}

/// Runs a statement in its own thread, and kills its backend as soon as it waits for a lock. A statement that does not
/// wait completes normally.
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
