//! `restore`: a backup takes the place of a database that is in use, once it is proven that all of it is back.

use std::path::PathBuf;

use pgproof_live::backup::{Backup, Replacement, RestoreOptions};
use pgproof_report::Verdict;
use pgproof_runner::Config;
use pgproof_server::ServerOptions;

use super::backup::held;
use super::steps::{Steps, bytes, list};
use super::{Consent, DatabaseArguments, Stakes};
use crate::terminal::{note, say};

/// The arguments of `restore`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A dump that `pgproof backup` made
    #[arg(long, value_name = "DUMP")]
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseArguments,
    /// How many tables are restored at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    #[command(flatten)]
    consent: Consent,
}

/// Restores beside the database, proves it, and renames. Until then, the database is as it was.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let target = arguments.database.target(config)?;
    let backup = Backup::open(&arguments.file)?;
    let manifest = &backup.manifest;
    let replacement = Replacement::of(&target, &backup)?;
    for left in &replacement.left {
        note(format_args!(
            "note: {left} is left of a restore that was interrupted; to remove it: DROP DATABASE \"{left}\";"
        ));
    }
    note(format_args!(
        "{} is a backup of database {} of {}:",
        arguments.file.display(),
        manifest.database,
        manifest.time
    ));
    note(format_args!("  {}", held(manifest)));
    if manifest.database != target.database() {
        note(format_args!("note: that is another database than {}", target.database()));
    }
    note(format_args!(
        "what will be done:\n  1. it is restored beside {target} and compared with its manifest\n  \
         2. the sessions of the database are ended ({} now), and the restored one takes its place\n  \
         3. the old one is kept as {}: what was written since the backup is only there",
        replacement.sessions, replacement.kept
    ));
    if !arguments.consent.given(&target, &format!("replace {target}?"), Stakes::Loss)? {
        note("nothing was changed");
        return Ok(Verdict::Nothing);
    }
    let options = RestoreOptions { server: ServerOptions::of(&config.server)?, jobs: arguments.jobs };
    let mut steps = Steps::new();
    steps.begin(&format!("restoring {} ({}) beside {target}", arguments.file.display(), bytes(backup.size())));
    let restored = replacement.make(&options, &mut |step| steps.show(&step))?;
    if !restored.findings.is_empty() {
        drop(steps);
        say(format_args!(
            "{}\nrefuted: the backup does not bring everything back; {target} is as it was\n",
            list(&restored.findings)
        ))?;
        return Ok(Verdict::Refuted);
    }
    steps.begin(&format!("all of it is back; putting it in the place of {}", target.database()));
    let replaced = replacement.swap(restored)?;
    drop(steps);
    say(format_args!(
        "restored: {target} is as it was at {}\n  the old database is kept as {}\nto go back, or to drop the old one, connect with\n  \
         {}\nand run one of\n  {}\n  {}\n",
        manifest.time,
        replacement.kept,
        target.address.psql(replaced.maintenance),
        replaced.back,
        replaced.drop
    ))?;
    Ok(Verdict::Proven)
}
