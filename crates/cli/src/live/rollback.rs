//! `rollback`: applies down migrations to a database that is in use. It says first what each would lose, and shows
//! afterwards that the database is as it was before those files.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use pgproof_live::Target;
use pgproof_live::backup::{Backup, BackupOptions};
use pgproof_live::migrate::{Action, Applying, Loss, MigrateError, RollbackStep, Standing};
use pgproof_report::Verdict;
use pgproof_runner::Config;
use pgproof_server::ServerOptions;
use pgproof_sql::{Migration, ObjectId};

use super::consent::{Consent, Stakes};
use super::ground::{Ground, apply_shown};
use super::steps::Steps;
use super::{DatabaseArguments, plan};
use crate::server::ServerArguments;
use crate::terminal::{counted, note, say};

/// The arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The schema [default: the one that pgproof.toml gives the database, or the only one]
    schema: Option<String>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// Keep the files up to this number, and roll back those after it
    #[arg(long, value_name = "NUMBER", required_unless_present = "all", conflicts_with = "all")]
    to: Option<u64>,
    /// Roll back all files
    #[arg(long)]
    all: bool,
    /// Show what would be lost, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not back up the database first
    #[arg(long)]
    no_backup: bool,
    /// The directory for the backup, or its file [default: DATABASE-TIME.dump in the current directory]
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "no_backup")]
    backup_to: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
    /// How long to wait for another run that changes the database
    #[arg(long, value_name = "DURATION", value_parser = pgproof_server::deadlines::parse_duration, default_value = "1min")]
    wait: Duration,
    #[command(flatten)]
    server: ServerArguments,
}

/// Rolls back, and prints what was done.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let target = arguments.database.target(config)?;
    let mut ground = Ground::of(config, &arguments.server, target, arguments.schema.as_deref(), arguments.wait)?;
    let target = ground.target.clone();
    let done = match ground.recognised.standing {
        Standing::Unlike { .. } => {
            bail!(
                "what stands in {target} is not what the files make, so nothing was changed; pgproof drift shows what differs"
            );
        }
        ref known => known.done(&ground.chain),
    };
    let remaining = remaining(&ground.chain.files, arguments.to)?;
    if remaining >= done {
        say("nothing is to be rolled back\n")?;
        return Ok(Verdict::Proven);
    }
    let steps = ground.steps_back(done, remaining)?;
    say(text(&steps))?;
    if arguments.dry_run {
        say("nothing was changed\n")?;
        return Ok(Verdict::Proven);
    }
    let question = format!("roll back {} in {target}?", counted(steps.len(), "file"));
    if !arguments.consent.given(&target, &question, Stakes::Loss)? {
        note("nothing was changed");
        return Ok(Verdict::Nothing);
    }
    ground.demand_unchanged()?;
    if !arguments.no_backup {
        back_up(config, &target, arguments.backup_to.clone())?;
    }
    let transaction = config.schema(&ground.schema)?.transaction;
    let how = Applying { transaction, concurrently_from: None, action: Action::RolledBack };
    let mut session = target.writer().map_err(|source| MigrateError::Target { target: target.to_string(), source })?;
    let downs: Vec<Migration> = steps.into_iter().map(|step| step.down).collect();
    apply_shown(&target, &mut session, &downs, how)?;
    let after = ground.recognise()?;
    say(plan::standing(&after, &ground.chain, &target))?;
    let is_back = after.standing.done(&ground.chain) == remaining && !matches!(after.standing, Standing::Unlike { .. });
    Ok(if is_back { Verdict::Proven } else { Verdict::Refuted })
}

/// Backs the database up, and says where the backup is.
fn back_up(config: &Config, target: &Target, output: Option<PathBuf>) -> anyhow::Result<()> {
    let options = BackupOptions { server: ServerOptions::of(&config.server)?, output, jobs: 1 };
    let mut steps = Steps::new();
    steps.begin(&format!("backing up {target}"));
    let backup = Backup::make(target, &options, &mut |step| steps.show(&step));
    let backup = backup.context("nothing was rolled back; --no-backup goes without a backup")?;
    say(format_args!("backed up to {}\n", backup.files.dump.display()))?;
    Ok(())
}

/// How many files remain applied.
fn remaining(files: &[Migration], to: Option<u64>) -> anyhow::Result<usize> {
    let Some(number) = to.filter(|number| *number > 0) else { return Ok(0) };
    let at = files.iter().position(|file| file.number == number);
    let known = || files.iter().map(|file| file.number.to_string()).collect::<Vec<_>>().join(", ");
    match at {
        Some(at) => Ok(at + 1),
        None => bail!("no migration has the number {number}; there are {}, and 0 for none of them", known()),
    }
}

/// What each step drops and loses.
fn text(steps: &[RollbackStep]) -> String {
    let mut text = String::from("  to roll back:\n");
    // Writing to a string cannot fail.
    for step in steps {
        let _ = writeln!(text, "    {}  ({})", step.of.file.display(), step.down.file.display());
        for object in &step.drops {
            let _ = writeln!(text, "      drops {object}");
        }
        for (table, loss) in &step.lost {
            let table = ObjectId::table(table);
            let _ = match loss {
                Loss::Rows(1) => writeln!(text, "      loses 1 row of {table}"),
                Loss::Rows(rows) => writeln!(text, "      loses {rows} rows of {table}"),
                Loss::Values(rows) => writeln!(text, "      loses values in {rows} rows of {table}"),
                Loss::Some(of) => writeln!(text, "      deletes rows of {table}, which has {of}"),
            };
        }
        if step.lost.is_empty() {
            let _ = writeln!(text, "      loses no rows");
        }
    }
    text
}
