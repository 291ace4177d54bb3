//! `migrate`: applies what is pending to a database that is in use. It names the database and what it would do, asks, and
//! shows afterwards what the database has.

use std::time::Duration;

use anyhow::bail;
use pgproof_live::Drift;
use pgproof_live::migrate::{Action, Applying, MigrateError, Rehearsal, Standing, rehearse};
use pgproof_report::Verdict;
use pgproof_runner::Config;
use pgproof_server::ServerOptions;

use super::after_care::AfterCare;
use super::consent::{Consent, Stakes};
use super::ground::{Ground, accepted, apply_shown};
use super::{DatabaseArguments, drift, plan};
use crate::server::ServerArguments;
use crate::terminal::{Progress, counted, note, say};

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
    let target = arguments.database.target(config)?;
    let mut ground = Ground::of(config, &arguments.server, target, arguments.schema.as_deref(), arguments.wait)?;
    let target = ground.target.clone();
    if ground.recognised.standing == Standing::Done && !arguments.after_care.is_asked_for() {
        return Ok(Verdict::Proven);
    }
    let done = match ground.recognised.standing {
        Standing::Unlike { nearest, .. } => rehearsed(config, &ground, nearest)?,
        ref known => known.done(&ground.chain),
    };
    let pending = ground.chain.files[done..].to_vec();
    if !pending.is_empty() {
        say(plan::pending(&pending))?;
    }
    if arguments.dry_run {
        say(plan::difference(done, &ground.recognised, &ground.chain))?;
        if arguments.trace {
            say(plan::trace(&ground.template, &ground.chain, done)?)?;
        }
        say("nothing was changed\n")?;
        return Ok(Verdict::Proven);
    }
    let question = if pending.is_empty() {
        format!("update statistics and contents in {target}?")
    } else {
        format!("apply {} to {target}?", counted(pending.len(), "file"))
    };
    if !arguments.consent.given(&target, &question, Stakes::Usual)? {
        note("nothing was changed");
        return Ok(Verdict::Nothing);
    }
    ground.demand_unchanged()?;
    let transaction = config.schema(&ground.schema)?.transaction;
    let how = Applying { transaction, concurrently_from: arguments.concurrently, action: Action::Applied };
    let mut session = target.writer().map_err(|source| MigrateError::Target { target: target.to_string(), source })?;
    apply_shown(&target, &mut session, &pending, how)?;
    arguments.after_care.give(&target, &ground.chain, &mut session)?;
    let drift = Drift::of(&target, &ground.template)?;
    let after = ground.recognise()?;
    // What others have in the database is drift, but no fault of the migrations.
    if drift.is_refuted() && after.standing == Standing::Done {
        say(plan::standing(&after, &ground.chain, &target))?;
    } else {
        say(drift::text(&drift, &target, &format!("the migrations of {}", ground.schema)))?;
    }
    Ok(if after.standing == Standing::Done { Verdict::Proven } else { Verdict::Refuted })
}

/// After how many files the pending ones begin, by rehearsals on a copy of the catalog.
fn rehearsed(config: &Config, ground: &Ground, nearest: usize) -> anyhow::Result<usize> {
    let Ground { target, template, chain, .. } = ground;
    let progress = Progress::new(false);
    progress.step(&format!("rehearsing on a copy of the catalog of {target}"));
    let options = ServerOptions::of(&config.server)?;
    let rehearsal = rehearse(chain, target, template, &options, nearest, &accepted(target, template)?)?;
    drop(progress);
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
