//! The command line: parsing and dispatch here, one module per command. An xtask calls [`main`], as does the program
//! `pgproof`.

mod audit;
mod bench;
mod doctor;
mod exit;
mod plan;
mod report;
mod review;
mod suite;
mod terminal;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pgproof_runner::Config;

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
    /// Check the prerequisites of pgproof on this machine, and of a schema's application
    Doctor(doctor::Arguments),
    /// Apply any migrations, report every error, and check that they are safe to run again
    Audit(audit::Arguments),
    /// Merge the reports of all shards of a run
    Report(report::Arguments),
    /// Measure a command against the minimum that PostgreSQL itself needs
    Bench(bench::Arguments),
}

/// Runs the command named by the process's arguments.
///
/// Exit codes: 0 all proven, 1 something refuted, 2 error, 3 no assertions.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // These need no configuration.
    match &arguments.command {
        Command::Audit(arguments) => return exit::code(audit::run(arguments)),
        Command::Report(arguments) => return exit::code(report::run(arguments)),
        _ => {}
    }
    let config = match &arguments.config {
        Some(file) => Config::read(file),
        None => Config::find(),
    };
    let result = config.map_err(anyhow::Error::from).and_then(|config| match &arguments.command {
        Command::Verify(arguments) => verify::run(&config, arguments),
        Command::Review(arguments) => review::run(&config, arguments),
        Command::Plan(arguments) => plan::run(&config, arguments),
        Command::Doctor(arguments) => doctor::run(&config, arguments),
        Command::Bench(arguments) => bench::run(&config, arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Report(arguments) => report::run(arguments),
    });
    exit::code(result)
}
