//! `backup`: a dump of a database that is in use, with a manifest of what it held.

use std::path::PathBuf;

use pgproof_live::backup::{Backup, BackupOptions, Manifest};
use pgproof_report::Verdict;
use pgproof_runner::Config;
use pgproof_server::ServerOptions;

use super::DatabaseArguments;
use super::steps::{Steps, bytes};
use crate::terminal::{counted, say};

/// The arguments of `backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// The file to write, or a directory for it [default: DATABASE-TIME.dump in the current directory]
    #[arg(long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// How many tables are dumped at once; with more than one, the dump is a directory
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
}

/// Makes a backup and prints where it is. The database is only read.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let target = arguments.database.target(config)?;
    let server = ServerOptions::of(&config.server)?;
    let options = BackupOptions { server, output: arguments.output.clone(), jobs: arguments.jobs };
    let mut steps = Steps::new();
    steps.begin(&format!("backing up {target}"));
    let backup = Backup::make(&target, &options, &mut |step| steps.show(&step))?;
    drop(steps);
    let dump = backup.files.dump.display();
    say(format_args!(
        "backed up {target}\n  {}\n  dump      {dump} ({})\n  manifest  {}\nto prove that it can be restored, run\n  pgproof restore-drill --file {dump}\n",
        held(&backup.manifest),
        bytes(backup.manifest.size),
        backup.files.manifest.display(),
    ))?;
    Ok(Verdict::Proven)
}

/// What a database held, in a line.
pub(super) fn held(manifest: &Manifest) -> String {
    let contents = &manifest.contents;
    let large = match contents.large_objects {
        0 => String::new(),
        some => format!(", {}", counted(some, "large object")),
    };
    format!(
        "{} with {}, {}{large}; PostgreSQL {}; schema fingerprint {}",
        counted(contents.tables.len(), "table"),
        counted(contents.rows(), "row"),
        counted(manifest.sequences.len(), "sequence"),
        manifest.server,
        contents.fingerprint
    )
}
