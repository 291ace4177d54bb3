//! The command line: parsing and dispatch here, one module per command. An xtask calls [`main`], as does the program
//! `pgproof`; an xtask with commands of its own calls [`command`] and [`run`].

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod audit;
mod bench;
mod doctor;
mod exit;
mod live;
mod plan;
mod report;
mod review;
mod server;
mod suite;
mod terminal;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use pgproof::configuration;
use pgproof_live::Databases;
use pgproof_report::Verdict;
use pgproof_runner::{Config, ConfigError};
use pgproof_server::ServerConfig;

pub use clap;
pub use terminal::{note, say};

/// Proves PostgreSQL schemas on a disposable server.
#[derive(Debug, Parser)]
#[command(name = "pgproof", version, about, max_term_width = 100)]
struct Arguments {
    /// The configuration file [default: the nearest pgproof.toml in this directory or above]
    #[arg(long, global = true, value_name = "FILE", env = pgproof_runner::config::CONFIG_VARIABLE)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply the migrations and run the suites that prove the schemas
    Verify(verify::Arguments),
    /// Review changed plans: a diff of each, with an explanation
    Review(review::Arguments),
    /// Show the plans of queries, optionally as if tables had other numbers of rows
    Plan(plan::Arguments),
    /// Check the prerequisites of pgproof on this machine, of a schema's application, and of a database that is in use
    Doctor(doctor::Arguments),
    /// Apply any migrations, report every error, and check that they are safe to run again
    Audit(audit::Arguments),
    /// Compare a database that is in use with what the migrations make
    Drift(live::drift::Arguments),
    /// Apply pending migrations to a database that is in use
    Migrate(live::migrate::Arguments),
    /// Roll migrations back in a database that is in use
    Rollback(live::rollback::Arguments),
    /// Run a reviewed script with typed parameters in a database that is in use
    Run(live::run::Arguments),
    /// Back up a database that is in use, with a manifest of what it holds
    Backup(live::backup::Arguments),
    /// Restore a backup on a disposable server and prove that all of it is back
    RestoreDrill(live::restore_drill::Arguments),
    /// Put a proven backup in the place of a database that is in use; the old one is kept
    Restore(live::restore::Arguments),
    /// Go through the checklist that follows the migrations of a database in use
    Checklist(live::checklist::Arguments),
    /// Merge the reports of all shards of a run
    Report(report::Arguments),
    /// Measure a command against the minimum that PostgreSQL itself needs
    Bench(bench::Arguments),
}

/// Runs the command named by the process's arguments.
///
/// Exit codes: 0 all proven, 1 something refuted, 2 error, 3 nothing was run or tried.
pub fn main() -> ExitCode {
    run(&command().get_matches())
}

/// The command line. An xtask may add commands of its own; it gives all others to [`run`].
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command that was parsed from [`command`].
pub fn run(matches: &clap::ArgMatches) -> ExitCode {
    let arguments = Arguments::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    // This needs no configuration.
    if let Command::Report(arguments) = &arguments.command {
        return exit::code(report::run(arguments));
    }
    let config = match &arguments.config {
        Some(file) => configuration::read(file),
        None => configuration::find(),
    };
    let config = config.and_then(|config| config.top_part::<Databases>().map(|_| config));
    exit::code(match (&arguments.command, config) {
        // It can do without.
        (Command::Audit(arguments), Err(ConfigError::NotFound { .. })) => {
            audit::run(&ServerConfig::default(), arguments)
        }
        (command, Ok(config)) => configured(&config, command),
        (_, Err(error)) => Err(error.into()),
    })
}

fn configured(config: &Config, command: &Command) -> anyhow::Result<Verdict> {
    match command {
        Command::Verify(arguments) => verify::run(config, arguments),
        Command::Review(arguments) => review::run(config, arguments),
        Command::Plan(arguments) => plan::run(config, arguments),
        Command::Doctor(arguments) => doctor::run(config, arguments),
        Command::Bench(arguments) => bench::run(config, arguments),
        Command::Audit(arguments) => audit::run(&config.server, arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Drift(arguments) => live::drift::run(config, arguments),
        Command::Rollback(arguments) => live::rollback::run(config, arguments),
        Command::Checklist(arguments) => live::checklist::run(config, arguments),
        Command::Run(arguments) => live::run::run(config, arguments),
        Command::Migrate(arguments) => live::migrate::run(config, arguments),
        Command::Backup(arguments) => live::backup::run(config, arguments),
        Command::RestoreDrill(arguments) => live::restore_drill::run(config, arguments),
        Command::Restore(arguments) => live::restore::run(config, arguments),
    }
}

/// The template of `cargo xtask new command`, compiled and tested where its copies will be.
#[cfg(test)]
#[path = "../../../xtask/templates/command.rs"]
mod skeleton;
