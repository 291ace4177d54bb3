//! `verify`: starts one server, applies each schema's migrations once, runs its suite, and reports on the evidence. A
//! database that is in use is left to `in_use`.

mod in_use;
mod prepare;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use clap::{Args, FromArgMatches};
use pgproof_report::{Extent, Majors, Obstacle, Report, SchemaReport, ServerReport, Shard, SuiteRun, Verdict};
use pgproof_rerun::{CASES_VARIABLE, Rerun, SEED_VARIABLE};
use pgproof_runner::migration::{optional_names, select};
use pgproof_runner::{Config, Schema};
use pgproof_runner::{evidence::EVIDENCE_VARIABLE, evidence::gather};
use pgproof_server::{ServerOptions, majors};

use crate::server::{ServerArguments, keep};
use crate::suite::{self, Binary, Selection, environment};
use crate::terminal::{Format, Progress, say};
use prepare::Migrations;

/// The arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The schemas to prove [default: all]
    #[arg(value_name = "SCHEMA")]
    schemas: Vec<String>,
    /// Prove a database that is in use, without changing it: a name in `[databases]` of pgproof.toml, or a connection string
    #[arg(long, value_name = "NAME|URL", conflicts_with_all = ["shard", "cases", "seed", "list", "pg", "server", "no_download", "keep"])]
    database: Option<String>,
    /// Run only tests whose name contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Run only one of several shards of the tests, as in 2/3; `report --merge` merges their reports
    #[arg(long, value_name = "K/N", conflicts_with = "filter")]
    shard: Option<Shard>,
    /// Also apply an optional migration
    #[arg(long, value_name = "NAME")]
    with: Vec<String>,
    /// How many cases to try for each property of migrations [default: 3]
    #[arg(long, value_name = "NUMBER")]
    cases: Option<u32>,
    /// The seed for generating those cases [default: 0]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// The output format of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// List the sections and tests without running them
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    server: ServerArguments,
    /// The major version of PostgreSQL, several (14,16), or `all` available ones [default: the newest found]
    #[arg(long, value_name = "MAJOR", value_parser = major)]
    pg: Option<Major>,
}

/// Which major versions to use.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Major {
    /// This one.
    One(u16),
    /// These, one after the other.
    Some(Vec<u16>),
    /// All that the provider offers.
    All,
}

fn major(text: &str) -> Result<Major, String> {
    if text == "all" {
        return Ok(Major::All);
    }
    let numbers: Result<Vec<u16>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    match numbers.map_err(|_| "expected a number, as in 16, or several, as in 14,16, or all".to_owned())?[..] {
        [one] => Ok(Major::One(one)),
        ref several => Ok(Major::Some(several.to_vec())),
    }
}

/// Proves schemas and prints the report.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let mut config = config.clone();
    config.with.extend(arguments.with.iter().cloned());
    let config = &config;
    if let Some(database) = &arguments.database {
        return in_use::run(config, arguments, database);
    }
    let schemas = chosen(config, &arguments.schemas)?;
    check_optional(config, &schemas)?;
    let progress = Progress::new(arguments.format == Format::Json);
    if arguments.list {
        progress.step("building the suites");
        let binaries = suite::build(config, &schemas)?;
        drop(progress);
        return list(&schemas, &binaries, arguments);
    }
    let options = arguments.server.options(&config.server)?;
    // Read and split once, whatever the number of servers; errors in the files come before anything is started.
    let mut migrations = Migrations::new();
    for schema in &schemas {
        migrations.insert(schema.name.clone(), select(config, schema)?);
    }
    let of_major = |major: Option<u16>| {
        let options = ServerOptions { major: major.or(options.major), ..options.clone() };
        on_one(config, &schemas, &migrations, arguments, &options, &progress)
    };
    let (one, several) = match &arguments.pg {
        Some(Major::All) => (None, Some(majors(&options)?)),
        Some(Major::Some(majors)) => (None, Some(majors.clone())),
        Some(Major::One(major)) => (Some(*major), None),
        None => (None, None),
    };
    let Some(majors) = several else {
        let (prepared, report) = of_major(one)?;
        drop(progress);
        say(format_args!("{}", arguments.format.reporter().report(&report)?))?;
        if arguments.server.keep {
            let schemas = prepared.run_context.schemas.iter();
            let databases: Vec<_> =
                schemas.map(|(schema, ready)| (ready.template.as_str(), format!("{schema}, as migrated"))).collect();
            keep(prepared.server, databases.iter().map(|(database, content)| (*database, content.as_str())));
        }
        // With few tests a shard may be empty; the merged report shows whether any are missing.
        let is_empty_shard = report.shard.is_some() && report.verdict == Verdict::Nothing;
        return Ok(if is_empty_shard { Verdict::Proven } else { report.verdict });
    };
    if arguments.server.keep {
        bail!("--keep leaves one server running; select one major with --pg");
    }
    let mut reports = Vec::new();
    for major in majors {
        reports.push(of_major(Some(major))?.1);
    }
    drop(progress);
    let all = Majors::new(reports);
    say(format_args!("{}", arguments.format.reporter().majors(&all)?))?;
    Ok(all.verdict)
}

/// Proves a schema on a server of its own, as `verify` does without options.
pub(crate) fn report_of(config: &Config, schema: &Schema, progress: &Progress) -> anyhow::Result<SchemaReport> {
    let no_options =
        Arguments::augment_args(clap::Command::new("verify")).no_binary_name(true).get_matches_from([""; 0]);
    let arguments = Arguments::from_arg_matches(&no_options)?;
    let schemas = [schema.clone()];
    let migrations = Migrations::from([(schema.name.clone(), select(config, schema)?)]);
    let options = ServerOptions::of(&config.server)?;
    let (_, report) = on_one(config, &schemas, &migrations, &arguments, &options, progress)?;
    report.schemas.into_iter().next().context("the report has no schema")
}

/// Proves schemas on one server.
fn on_one(
    config: &Config,
    schemas: &[Schema],
    migrations: &Migrations,
    arguments: &Arguments,
    options: &ServerOptions,
    progress: &Progress,
) -> anyhow::Result<(prepare::Prepared, Report)> {
    let started = Instant::now();
    let prepared = prepare::prepare(config, schemas, migrations, options, progress)?;
    let extent = match (&arguments.filter, arguments.shard) {
        (Some(_), _) => Extent::Filtered,
        (None, Some(_)) => Extent::Shard,
        (None, None) => Extent::Whole,
    };
    let mut reports = Vec::new();
    for schema in schemas {
        let directory = prepared.server.make_directory(&format!("evidence-{}", schema.name));
        let directory = directory.context("cannot create a directory for the evidence")?;
        let run = prove(config, schema, &prepared, arguments, &directory, progress);
        // If the disk is full, the evidence is truncated as well.
        let run = run.map_err(|error| prepared.server.is_lost().map_or(error, Into::into))?;
        let applied = prepared.applied.get(&schema.name).map(Vec::as_slice).unwrap_or_default();
        reports.push(SchemaReport::new(schema, applied, run, extent));
        if arguments.shard.is_some()
            && let (Some(report), Some(binary)) = (reports.last_mut(), prepared.binaries.get(&schema.name))
        {
            report.listed = Some(binary.list(&Selection::All)?.len());
        }
    }
    if Verdict::of(reports.iter().map(|report| report.verdict)) == Verdict::Error {
        if let Some(lost) = prepared.server.is_lost() {
            return Err(lost.into());
        }
        // The server may have recovered: a rollback frees the space that filled the disk.
        if let Some(obstacle) = Obstacle::of(&reports) {
            let log = obstacle.is_lost_session().then(|| prepared.server.log());
            return Err(match log {
                Some(log) => anyhow!("{obstacle}\nthe end of the server's log:\n{}", log.trim_end()),
                None => obstacle.into(),
            });
        }
    }
    let server = ServerReport::from(prepared.server.handle());
    let mut report = Report::new(server, started.elapsed().saturating_sub(prepared.building).as_secs_f64(), reports);
    report.shard = arguments.shard;
    Ok((prepared, report))
}

/// The requested schemas, by default all.
fn chosen(config: &Config, names: &[String]) -> anyhow::Result<Vec<Schema>> {
    if names.is_empty() {
        return Ok(config.schemas.values().cloned().collect());
    }
    let mut schemas = Vec::new();
    for name in names {
        let schema = config.schema(name)?;
        if !schemas.iter().any(|s: &Schema| s.name == schema.name) {
            schemas.push(schema.clone());
        }
    }
    Ok(schemas)
}

/// Checks that each requested optional migration exists in some schema.
fn check_optional(config: &Config, schemas: &[Schema]) -> anyhow::Result<()> {
    let mut known = Vec::new();
    for schema in schemas {
        known.extend(optional_names(config, schema)?);
    }
    match config.with.iter().find(|name| !known.contains(name)) {
        Some(name) if known.is_empty() => bail!("--with {name}: there are no optional migrations"),
        Some(name) => bail!("--with {name}: no such optional migration; available: {}", known.join(", ")),
        None => Ok(()),
    }
}

/// Runs a schema's suite and collects its evidence.
fn prove(
    config: &Config,
    schema: &Schema,
    prepared: &prepare::Prepared,
    arguments: &Arguments,
    directory: &Path,
    progress: &Progress,
) -> anyhow::Result<SuiteRun> {
    let binary = prepared.binaries.get(&schema.name).context("the suite was not built")?;
    let selection = selection(binary, schema, arguments)?;
    let mut environment = environment(config, &prepared.server, &prepared.run_context, &selection)?;
    environment.push((EVIDENCE_VARIABLE, directory.display().to_string()));
    environment.extend(arguments.cases.map(|cases| (CASES_VARIABLE, cases.to_string())));
    environment.extend(arguments.seed.map(|seed| (SEED_VARIABLE, seed.to_string())));
    run_suite(schema, binary, &selection, &environment, directory, progress)
}

/// Runs a suite in this environment, and collects the evidence that it leaves in `directory`.
fn run_suite(
    schema: &Schema,
    binary: &Binary,
    selection: &Selection,
    environment: &[(&'static str, String)],
    directory: &Path,
    progress: &Progress,
) -> anyhow::Result<SuiteRun> {
    let ran = binary.run(selection, environment, progress, &schema.name)?;
    let evidence = gather(directory).with_context(|| format!("cannot read the evidence in {}", directory.display()))?;
    let rerun = schema.part::<Rerun>()?.unwrap_or_default();
    let accepted = rerun.accepted.iter().map(ToString::to_string).collect();
    Ok(SuiteRun { tests: ran.tests, evidence, problem: ran.problem, accepted })
}

/// The requested tests of a schema's suite.
fn selection(binary: &Binary, schema: &Schema, arguments: &Arguments) -> anyhow::Result<Selection> {
    if let Some(filter) = &arguments.filter {
        return Ok(Selection::Containing(filter.clone()));
    }
    let Some(shard) = arguments.shard else { return Ok(Selection::All) };
    let tests = binary.list(&Selection::All)?;
    // The report of a shard contains the number of all tests, so that a merged report shows whether some are missing.
    Ok(Selection::Named(tests.into_iter().filter(|test| shard.holds(&schema.name, test)).collect()))
}

fn list(
    schemas: &[Schema],
    binaries: &std::collections::BTreeMap<String, Binary>,
    arguments: &Arguments,
) -> anyhow::Result<Verdict> {
    let mut count = 0;
    for schema in schemas {
        let binary = binaries.get(&schema.name).context("the suite was not built")?;
        let mut tests = match selection(binary, schema, arguments)? {
            Selection::Named(names) => names,
            selection => binary.list(&selection)?,
        };
        count += tests.len();
        say(format_args!("{}\n", schema.name))?;
        for section in &schema.sections {
            let prefix = format!("{}::", section.module);
            let (inside, rest): (Vec<_>, Vec<_>) = tests.into_iter().partition(|test| test.starts_with(&prefix));
            tests = rest;
            print_section(&section.title, &inside, prefix.len())?;
        }
        print_section("other tests", &tests, 0)?;
    }
    Ok(if count == 0 { Verdict::Nothing } else { Verdict::Proven })
}

fn print_section(title: &str, tests: &[String], prefix: usize) -> std::io::Result<()> {
    if !tests.is_empty() {
        say(format_args!("  {title}\n"))?;
        for test in tests {
            say(format_args!("    {}\n", &test[prefix..]))?;
        }
    }
    Ok(())
}
