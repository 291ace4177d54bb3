//! `migrate`: applies what is pending to a database that is in use. It names the database and what it would do, asks, and
//! shows afterwards what the database has.

use std::time::Duration;

use anyhow::bail;
use pgproof_live::migrate::{
    Action, Applying, Chain, Event, Lock, MigrateError, Recognised, Rehearsal, Standing, apply, command_tag, lock,
    rehearse,
};
use pgproof_live::{Drift, Target, described};
use pgproof_report::Verdict;
use pgproof_rerun::Rerun;
use pgproof_runner::Config;
use pgproof_runner::isolation::Template;
use pgproof_server::ServerOptions;
use pgproof_sql::{Migration, Statement};

use super::after_care::AfterCare;
use super::consent::{Consent, Stakes};
use super::{DatabaseArguments, drift, plan};
use crate::server::ServerArguments;
use crate::terminal::{Progress, note, say};

/// The arguments of `migrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The schema to migrate to [default: the one that pgproof.toml gives the database, or the only one]
    schema: Option<String>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run, show the locks, the rewritten tables and the rows of each statement
    #[arg(long, requires = "dry_run")]
    trace: bool,
    /// Build indexes on large tables concurrently, so that others can write meanwhile: on those of this size or more, such as
    /// 100MB
    #[arg(long, value_name = "SIZE", num_args = 0..=1, default_missing_value = "100MB", value_parser = size)]
    concurrently: Option<u64>,
    #[command(flatten)]
    consent: Consent,
    /// How long to wait for another run that migrates the database
    #[arg(long, value_name = "DURATION", value_parser = pgproof_server::deadlines::parse_duration, default_value = "1min")]
    wait: Duration,
    #[command(flatten)]
    after_care: AfterCare,
    #[command(flatten)]
    server: ServerArguments,
}

/// Parses a size as PostgreSQL writes it: a number with kB, MB or GB.
fn size(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor = match text[end..].trim() {
        "kB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return Err("expected a number with kB, MB or GB, as in 100MB".to_owned()),
    };
    let number: u64 = text[..end].parse().map_err(|_| "expected a number with kB, MB or GB, as in 100MB".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "the size is too large".to_owned())
}

/// Migrates, and prints what was done.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let mut target = arguments.database.target(config)?;
    let schema = super::schema_of(config, &target, arguments.schema.as_deref())?;
    target.address = target.address.with_deadlines(&arguments.server.options(&config.server)?.deadlines);
    let progress = Progress::new(false);
    progress.step(&format!("applying the migrations of {schema} to a disposable database"));
    super::start_beside(config, &arguments.server, &target)?;
    let template = Template::in_config(|| Ok(config.clone()), &schema)?;
    let chain = Chain::of(&template, target.database())?;
    progress.step(&format!("reading {target}"));
    let mut lock = lock(&target, arguments.wait)?;
    let recognised = recognise(&chain, &target, &template, &mut lock)?;
    drop(progress);
    say(plan::standing(&recognised, &chain, &target))?;
    if recognised.standing == Standing::Done && !arguments.after_care.is_asked_for() {
        return Ok(Verdict::Proven);
    }
    let done = match recognised.standing {
        Standing::Unlike { nearest, .. } => {
            let progress = Progress::new(false);
            progress.step(&format!("rehearsing on a copy of the catalog of {target}"));
            let rerun = template.context.part::<Rerun>()?.unwrap_or_default();
            let accepted: Vec<_> = target.settings.accepted.iter().chain(&rerun.accepted).collect();
            let options = ServerOptions::of(&config.server)?;
            let rehearsal = rehearse(&chain, &target, &template, &options, nearest, &accepted)?;
            drop(progress);
            rehearsed(rehearsal, &target)?
        }
        ref known => known.done(&chain),
    };
    let pending = &chain.files[done..];
    if !pending.is_empty() {
        say(plan::pending(pending))?;
    }
    if arguments.dry_run {
        say(plan::difference(done, &recognised, &chain))?;
        if arguments.trace {
            say(plan::trace(&template, &chain, done)?)?;
        }
        say("nothing was changed\n")?;
        return Ok(Verdict::Proven);
    }
    let question = if pending.is_empty() {
        format!("update statistics and contents in {target}?")
    } else {
        format!("apply {} to {target}?", plan::files(pending.len()))
    };
    if !arguments.consent.given(&target, &question, Stakes::Usual)? {
        note("nothing was changed");
        return Ok(Verdict::Nothing);
    }
    if recognise(&chain, &target, &template, &mut lock)?.standing != recognised.standing {
        bail!("{target} was changed by somebody else in the meantime; nothing was changed here; run the command again");
    }
    let transaction = config.schema(&schema)?.transaction;
    let how = Applying { transaction, concurrently_from: arguments.concurrently, action: Action::Applied };
    let mut session = target.writer().map_err(|source| MigrateError::Target { target: target.to_string(), source })?;
    apply_shown(&target, &mut session, pending, how)?;
    arguments.after_care.give(&target, &chain, &mut session)?;
    let after = Drift::of(&target, &template)?;
    say(drift::text(&after, &target, &format!("the migrations of {schema}")))?;
    Ok(if after.is_refuted() { Verdict::Refuted } else { Verdict::Proven })
}

/// After how many files the pending ones begin, if they were rehearsed.
fn rehearsed(rehearsal: Rehearsal, target: &Target) -> anyhow::Result<usize> {
    match rehearsal {
        Rehearsal::Succeeded { after } => {
            say("  rehearsed on a copy of its catalog: the pending files lead to what the migrations make\n")?;
            Ok(after)
        }
        Rehearsal::Differs { differences, .. } => {
            say(plan::remains(&differences))?;
            bail!(
                "after the pending files, {target} would differ from what the migrations make, so nothing was changed; mend it by hand, or accept the differences in [[databases.{}.accepted]]",
                target.typed_name()
            )
        }
        Rehearsal::Fails(error) => Err(anyhow::Error::from(error)
            .context(format!("the pending files fail on a copy of the catalog of {target}, so nothing was changed"))),
    }
}

/// What stands in the database now. What `pgproof.toml` accepts of the database, and of rolled back migrations, does not
/// count.
pub(super) fn recognise(
    chain: &Chain,
    target: &Target,
    template: &Template,
    lock: &mut Lock,
) -> anyhow::Result<Recognised> {
    let failed = |source| MigrateError::Target { target: target.to_string(), source };
    let rerun = template.context.part::<Rerun>()?.unwrap_or_default();
    let accepted: Vec<_> = target.settings.accepted.iter().chain(&rerun.accepted).collect();
    let session = lock.session();
    let live = described(session, target.database(), target.settings.owner.as_ref()).map_err(failed)?;
    Ok(Recognised::of(chain, &live, session, &accepted).map_err(failed)?)
}

/// Applies files, with the command tag of each statement, and the statement that runs while it does.
pub(super) fn apply_shown(
    target: &Target,
    session: &mut pgproof_server::Session,
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
