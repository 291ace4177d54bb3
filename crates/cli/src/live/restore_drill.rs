//! `restore-drill`: restores a backup on a disposable server and proves that all of it is back.

use std::path::PathBuf;

use anyhow::{Context, bail};
use pgproof_live::backup::{Backup, BackupOptions, RestoreOptions, Restored};
use pgproof_live::{Drift, Target};
use pgproof_report::Verdict;
use pgproof_runner::isolation::Template;
use pgproof_runner::{Config, process};
use pgproof_server::ServerOptions;

use super::backup::held;
use super::steps::{Steps, bytes, list};
use crate::server::ServerArguments;
use crate::terminal::{counted, say};

/// The arguments of `restore-drill`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Arguments {
    /// Compare the restored database with the migrations of this schema, too
    schema: Option<String>,
    /// The database to back up for the drill: a name in `[databases]` of pgproof.toml, or a connection string
    #[arg(long, value_name = "NAME|URL", group = "what")]
    database: Option<String>,
    /// A dump that `pgproof backup` made
    #[arg(long, value_name = "DUMP", group = "what")]
    file: Option<PathBuf>,
    /// How many tables are dumped and restored at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    #[command(flatten)]
    server: ServerArguments,
}

/// Restores and prints what is not back.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let schema = arguments.schema.as_deref().map(|name| config.schema(name)).transpose()?;
    let server = ServerOptions::of(&config.server)?;
    let mut steps = Steps::new();
    let _scratch;
    let backup = match (&arguments.database, &arguments.file) {
        (Some(database), _) => {
            let target = Target::of(config, database)?;
            super::start_beside(config, &arguments.server, &target)?;
            // With the server, the dump disappears, however this process ends.
            let output = process::make_directory("dump").context("cannot create a directory for the dump")?;
            _scratch = Scratch(output.clone());
            let options = BackupOptions { server: server.clone(), output: Some(output), jobs: arguments.jobs };
            steps.begin(&format!("backing up {target}"));
            Backup::make(&target, &options, &mut |step| steps.show(&step))?
        }
        (None, Some(file)) => {
            let backup = Backup::open(file)?;
            let whose = format!("the database of {}", file.display());
            super::start_same(config, &arguments.server, &backup.manifest.server, &whose)?;
            backup
        }
        (None, None) => bail!("give --database or --file"),
    };
    let manifest = &backup.manifest;
    let name = match &arguments.file {
        Some(file) => file.display().to_string(),
        None => format!("the backup of {}", manifest.database),
    };
    steps.begin(&format!("restoring {name} ({}) on a disposable server", bytes(backup.size())));
    let context = process::server(&config.server)?;
    let options = RestoreOptions { server, jobs: arguments.jobs };
    let restored = Restored::on_disposable(&context.cluster, &backup, &options, &mut |step| steps.show(&step))?;
    let lacks = list(&restored.findings);
    let mut drifted = Vec::new();
    if let Some(schema) = schema {
        steps.begin(&format!("comparing it with the migrations of {}", schema.name));
        let template = Template::in_config(|| Ok(config.clone()), &schema.name)?;
        let drift = Drift::of(&target_of(&restored), &template)?;
        let found = drift.found.iter().filter(|drifted| !drifted.difference.is_order());
        drifted.extend(found.map(super::drift::sentence));
    }
    drop(steps);
    let of = &manifest.time;
    let is_proven = lacks.is_empty() && drifted.is_empty();
    if lacks.is_empty() {
        say(format_args!("proven: {name} of {of} can be restored\n  {}: all of it is back\n", held(manifest)))?;
    } else {
        let things = counted(restored.findings.len(), "difference");
        say(format_args!("{lacks}\nrefuted: {name} of {of} does not bring everything back: {things}\n"))?;
    }
    if let (Some(schema), true) = (schema, drifted.is_empty()) {
        say(format_args!("proven: it is as the migrations of {} make it\n", schema.name))?;
    } else if let Some(schema) = schema {
        let (lines, things) = (drifted.join("\n"), counted(drifted.len(), "difference"));
        say(format_args!("{lines}\nrefuted: it differs from the migrations of {}: {things}\n", schema.name))?;
    }
    if arguments.server.keep {
        let database = restored.keep();
        arguments.server.keep(Some((&database, "the restored database")));
    }
    Ok(if is_proven { Verdict::Proven } else { Verdict::Refuted })
}

/// The directory of a dump that nobody needs afterwards. What a parallel dump writes belongs to this process's user, and
/// the server's watchdog may be another one.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is removed by the next start.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The restored database as one that can be compared with migrations.
fn target_of(restored: &Restored) -> Target {
    let address = restored.address().clone().with("dbname", restored.name());
    Target { name: None, address, settings: pgproof_live::Database::default() }
}
