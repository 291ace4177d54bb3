//! `verify --database`: proves a database that is in use by the suite of its schema. Nothing is written there, and no server
//! is started: what would need either is not tried.

use std::time::Instant;

use anyhow::{Context, bail};
use pgproof_live::Target;
use pgproof_report::{Extent, Obstacle, Report, SchemaReport, ServerReport, Verdict};
use pgproof_runner::Config;
use pgproof_runner::evidence::EVIDENCE_VARIABLE;
use pgproof_runner::isolation::InUse;
use pgproof_runner::process::RunContext;
use pgproof_server::Version;

use super::{Arguments, check_optional, run_suite, selection};
use crate::live::schema_of;
use crate::suite::{self, at_once, environment_with};
use crate::terminal::{Progress, say};

/// How many tests run at once at most, each in a session of its own: a database that is in use has few to spare.
const MOST_AT_ONCE: usize = 3;

/// The harness's own variable for that.
const THREADS_VARIABLE: &str = "RUST_TEST_THREADS";

/// Proves the database, and prints the report.
pub(super) fn run(config: &Config, arguments: &Arguments, database: &str) -> anyhow::Result<Verdict> {
    let mut target = Target::of(config, database)?;
    let given = match arguments.schemas.as_slice() {
        [] => None,
        [one] => Some(one.as_str()),
        _ => {
            bail!("{target} is proven by the suite of one schema; name one, or none if pgproof.toml says which it has")
        }
    };
    let schema = config.schema(&schema_of(config, &target, given)?)?.clone();
    check_optional(config, std::slice::from_ref(&schema))?;
    target.address = target.address.with_deadlines(&arguments.server.options(&config.server)?.deadlines);
    let progress = Progress::new(arguments.format == crate::terminal::Format::Json);
    progress.step(&format!("connecting to {target}"));
    let version = target.reader().and_then(|mut session| Version::of(&mut session));
    let version = version.with_context(|| format!("cannot connect to {target}"))?;
    progress.step("building the suite");
    let binaries = suite::build(config, std::slice::from_ref(&schema))?;
    let binary = binaries.get(&schema.name).context("the suite was not built")?;

    let started = Instant::now();
    let owner = target.settings.owner.as_ref().map(|owner| owner.as_str().to_owned());
    let in_use = InUse::new(target.address.clone(), owner);
    // Nobody else may enter it.
    let directory = tempfile::Builder::new().prefix("pgproof-").tempdir();
    let directory = directory.context("cannot create a directory for the evidence")?;
    let file = RunContext::of_database_in_use(&schema.name, in_use, version.clone()).write_into(directory.path());
    let file = file.context("cannot write the description of the run for the suite")?;
    let evidence = directory.path().join("evidence");
    std::fs::create_dir(&evidence).context("cannot create a directory for the evidence")?;
    let selection = selection(binary, &schema, arguments)?;
    let mut environment = environment_with(config, &file, &selection);
    environment.push((EVIDENCE_VARIABLE, evidence.display().to_string()));
    environment.push((THREADS_VARIABLE, threads().to_string()));
    let run = run_suite(&schema, binary, &selection, &environment, &evidence, &progress)?;

    let extent = if arguments.filter.is_some() { Extent::Filtered } else { Extent::Whole };
    let reports = vec![SchemaReport::new(&schema, &[], run, extent)];
    if let Some(obstacle) = Obstacle::of(&reports) {
        return Err(obstacle.into());
    }
    let server =
        ServerReport { provider: "database".to_owned(), database: Some(target.to_string()), version, limits: None };
    let report = Report::new(server, started.elapsed().as_secs_f64(), reports);
    drop(progress);
    say(format_args!("{}", arguments.format.reporter().report(&report)?))?;
    Ok(report.verdict)
}

/// How many tests run at once.
fn threads() -> usize {
    let asked = std::env::var(THREADS_VARIABLE).ok().and_then(|text| text.parse().ok()).filter(|threads| *threads > 0);
    asked.unwrap_or_else(at_once).min(MOST_AT_ONCE)
}
