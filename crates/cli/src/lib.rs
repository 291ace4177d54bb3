//! The command line: parsing and dispatch here, one module a command. An xtask calls [`main`]; the program `pgproof`
//! does the same.

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
    /// The configuration [default: the nearest pgproof.toml, from here upwards]
    #[arg(long, global = true, value_name = "FILE", env = pgproof_runner::config::CONFIG_VARIABLE)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply the migrations and prove what the suites say of them
    Verify(verify::Arguments),
    /// Decide on changed plans: each as a diff, with what it means
    Review(review::Arguments),
    /// Show the plans of queries, also as if tables had other numbers of rows
    Plan(plan::Arguments),
    /// Tell what this machine lacks, and what a schema's application lacks
    Doctor(doctor::Arguments),
    /// Apply anybody's migrations, tell every error, and prove that they are safe to run again
    Audit(audit::Arguments),
    /// Make one report of those of all shards of a run
    Report(report::Arguments),
    /// Measure a command beside the least that PostgreSQL itself needs
    Bench(bench::Arguments),
}

/// Runs the command that the process's arguments name.
///
/// Exit codes: 0 all proven, 1 something refuted, 2 could not run, 3 nothing was run.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // They need no configuration.
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
