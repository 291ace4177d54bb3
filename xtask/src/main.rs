//! The workspace's own commands: all of pgproof's, and those that only this repository needs.

mod ci;
mod new;

use std::process::ExitCode;

use clap::{FromArgMatches, Subcommand};

// What this repository has besides pgproof's commands. (A doc comment would become the help text of the whole.)
#[derive(Debug, Subcommand)]
enum Command {
    /// Write the files of a new assertion, command or report format, and register them
    #[command(subcommand)]
    New(new::What),
    /// Run a part of .ci/run that is more than one call
    #[command(subcommand)]
    Ci(ci::Part),
}

fn main() -> ExitCode {
    let matches = Command::augment_subcommands(pgproof_cli::command()).get_matches();
    // A command that is not one of these is one of pgproof's.
    match Command::from_arg_matches(&matches) {
        Ok(Command::New(what)) => new::run(&what),
        Ok(Command::Ci(part)) => ci::run(&part),
        Err(_) => pgproof_cli::run(&matches),
    }
}
