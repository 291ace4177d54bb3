//! `bench`: measures a command against the minimum that PostgreSQL itself needs for the same work, in the same call.
//! Figures are never compared with those of another run or machine.

mod floor;
mod parts;
mod servers;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use pgproof_report::Verdict;
use pgproof_runner::config::CONFIG_VARIABLE;
use pgproof_runner::{Config, Schema};
use pgproof_server::{SERVER_VARIABLE, ServerChoice, ServerOptions};

use crate::suite;
use crate::terminal::say;
use parts::Parts;

/// The arguments of `bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The command to measure
    #[arg(value_enum)]
    command: Measured,
    /// The schema [default: all]
    #[arg(value_name = "SCHEMA")]
    schema: Option<String>,
    /// How often to measure each part; the table shows medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
}

/// The commands that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measured {
    /// `verify`, as a whole and in parts
    Verify,
    /// The first query on a server from each provider
    Servers,
}

/// Measures a command and prints a table.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    if arguments.command == Measured::Servers {
        return servers::measure(config, usize::from(arguments.runs));
    }
    if let ServerChoice::Url(_) = ServerOptions::of(&config.server)?.provider {
        bail!("bench verify needs servers started by pgproof, not an external server; unset {SERVER_VARIABLE}");
    }
    let schemas: Vec<&Schema> = match &arguments.schema {
        Some(name) => vec![config.schema(name)?],
        None => config.schemas.values().collect(),
    };
    for schema in schemas {
        measure(config, schema, usize::from(arguments.runs))?;
    }
    Ok(Verdict::Proven)
}

fn measure(config: &Config, schema: &Schema, runs: usize) -> anyhow::Result<()> {
    let binary =
        suite::build(config, std::slice::from_ref(schema))?.remove(&schema.name).context("the suite was not built")?;
    // The first run fills the caches: the data directory, the file system.
    let mut whole = Vec::new();
    let mut ours = Vec::new();
    let mut least = Vec::new();
    for run in 0..=runs {
        let started = Instant::now();
        verify(config, schema)?;
        let took = started.elapsed();
        let parts = parts::measure(config, schema, &binary)?;
        let floor = floor::measure(config, schema, &binary)?;
        if run > 0 {
            whole.push(took);
            ours.push(parts);
            least.push(floor);
        }
    }
    Ok(print(config, schema, runs, &whole, &ours, &least)?)
}

/// Runs this program's `verify` as a user would, but without cargo building this program.
fn verify(config: &Config, schema: &Schema) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let status = Command::new(program)
        .args(["verify", &schema.name])
        .env(CONFIG_VARIABLE, &config.file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot run verify")?;
    ensure!(status.success(), "verify {} exited with {status}: only a proven schema can be measured", schema.name);
    Ok(())
}

fn print(
    config: &Config,
    schema: &Schema,
    runs: usize,
    whole: &[Duration],
    ours: &[Parts],
    least: &[Parts],
) -> std::io::Result<()> {
    let cores = suite::at_once();
    say(format_args!("verify {}, medians of {runs} runs, {cores} cores ({})\n", schema.name, config.file.display()))?;
    say(format_args!("  {:<11} {:>9} {:>9} {:>7}\n", "part", "pgproof", "floor", "ratio"))?;
    let mut sum = Duration::ZERO;
    let mut compare = |name: &str, part: fn(&Parts) -> Duration| {
        let (ours, floor) = (median(ours.iter().map(part)), median(least.iter().map(part)));
        sum += floor;
        row(name, ours, Some(floor))
    };
    compare("server", |parts| parts.server)?;
    compare("migrations", |parts| parts.migrations)?;
    compare("clones", |parts| parts.clones)?;
    compare("suite", |parts| parts.suite)?;
    row("stop", median(ours.iter().map(|parts| parts.stop)), None)?;
    row("report", median(ours.iter().map(|parts| parts.report)), None)?;
    row("cargo", median(ours.iter().map(|parts| parts.cargo)), None)?;
    row("whole", median(whole.iter().copied()), Some(sum))?;
    say(format_args!(
        "  cargo runs in parallel with server, migrations and clones; the floor of the whole is the sum of the floors\n"
    ))
}

fn row(name: &str, ours: Duration, floor: Option<Duration>) -> std::io::Result<()> {
    let milliseconds = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1000.0);
    let (floor, ratio) = match floor {
        Some(floor) => (milliseconds(floor), format!("{:.2}", ours.as_secs_f64() / floor.as_secs_f64())),
        None => (String::new(), String::new()),
    };
    say(format_args!("  {name:<11} {:>9} {floor:>9} {ratio:>7}\n", milliseconds(ours)))
}

pub(super) fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
