//! What a change of a database in use stands on: the schema, what its migrations make file by file, the lock that keeps
//! other runs out, and what stands in the database. And how files are applied there for somebody who watches.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use pgproof_live::migrate::{
    Applying, Chain, Event, Lock, MigrateError, Recognised, RollbackStep, apply, command_tag, lock, steps_back,
};
use pgproof_live::{Target, described};
use pgproof_rerun::{AcceptedDifference, Rerun};
use pgproof_runner::Config;
use pgproof_runner::isolation::Template;
use pgproof_server::Session;
use pgproof_sql::{Migration, Statement};

use super::plan;
use crate::server::ServerArguments;
use crate::terminal::{Progress, note, say};

/// What is known before anything is changed.
pub(super) struct Ground {
    pub(super) target: Target,
    pub(super) schema: String,
    pub(super) template: Arc<Template>,
    pub(super) chain: Chain,
    pub(super) recognised: Recognised,
    lock: Lock,
}

impl Ground {
    /// Takes the lock, finds out what stands in the database, and prints it.
    pub(super) fn of(
        config: &Config,
        server: &ServerArguments,
        mut target: Target,
        schema: Option<&str>,
        wait: Duration,
    ) -> anyhow::Result<Ground> {
        let schema = super::schema_of(config, &target, schema)?;
        target.address = target.address.with_deadlines(&server.options(&config.server)?.deadlines);
        let progress = Progress::new(false);
        progress.step(&format!("applying the migrations of {schema} to a disposable database"));
        let template = super::migrated_beside(config, server, &target, &schema)?;
        let chain = Chain::of(&template, target.database())?;
        progress.step(&format!("reading {target}"));
        let mut lock = lock(&target, wait)?;
        let recognised = recognise(&chain, &target, &template, &mut lock)?;
        drop(progress);
        say(plan::standing(&recognised, &chain, &target))?;
        Ok(Ground { target, schema, template, chain, recognised, lock })
    }

    /// What stands in the database now.
    pub(super) fn recognise(&mut self) -> anyhow::Result<Recognised> {
        recognise(&self.chain, &self.target, &self.template, &mut self.lock)
    }

    /// Fails if something else stands there than before the question was asked.
    pub(super) fn demand_unchanged(&mut self) -> anyhow::Result<()> {
        if self.recognise()?.standing != self.recognised.standing {
            bail!(
                "{} was changed by somebody else in the meantime; nothing was changed here; run the command again",
                self.target
            );
        }
        Ok(())
    }

    /// The down migrations that leave the first `remaining` of the `done` files, and what each would lose.
    pub(super) fn steps_back(&mut self, done: usize, remaining: usize) -> anyhow::Result<Vec<RollbackStep>> {
        let progress = Progress::new(false);
        progress.step("counting what would be lost");
        Ok(steps_back(&self.chain, &self.template, self.lock.session(), done, remaining)?)
    }
}

/// What `pgproof.toml` accepts of the database, and of rolled back migrations.
pub(super) fn accepted(target: &Target, template: &Template) -> anyhow::Result<Vec<AcceptedDifference>> {
    let rerun = template.context.part::<Rerun>()?.unwrap_or_default();
    Ok(target.settings.accepted.iter().chain(&rerun.accepted).cloned().collect())
}

/// What stands in the database now; what is accepted does not count.
fn recognise(chain: &Chain, target: &Target, template: &Template, lock: &mut Lock) -> anyhow::Result<Recognised> {
    let failed = |source| MigrateError::Target { target: target.to_string(), source };
    let accepted = accepted(target, template)?;
    let session = lock.session();
    let live = described(session, target.database(), target.settings.owner.as_ref()).map_err(failed)?;
    Ok(Recognised::of(chain, &live, session, &accepted).map_err(failed)?)
}

/// Applies files, with the command tag of each statement, and the statement that runs while it does.
pub(super) fn apply_shown(
    target: &Target,
    session: &mut Session,
    files: &[Migration],
    how: Applying,
) -> anyhow::Result<()> {
    let progress = Progress::new(false);
    let mut unwritten = None;
    let statement = |statement: &Statement| format!("{}: {}", statement.origin, statement.kind());
    let mut tell = |event: Event<'_>| {
        let written = match event {
            Event::File(file) => say(format_args!("{}\n", file.display())),
            Event::Begins(begun) => {
                progress.only_on_terminal(&statement(begun));
                Ok(())
            }
            Event::Done(done, rows) => say(format_args!("  {}\n", command_tag(done, rows))),
            Event::Waits { from, pause } => {
                note(format_args!(
                    "{} waits for a lock that others hold; trying again in {:.1} s",
                    statement(from),
                    pause.as_secs_f64()
                ));
                Ok(())
            }
            _ => Ok(()),
        };
        // A migration is not broken off because nobody reads what it says.
        unwritten = written.err().or(unwritten.take());
    };
    apply(target, session, files, how, &mut tell)?;
    unwritten.map_or(Ok(()), |error| Err(error.into()))
}
