//! `audit`: checks migrations without configuration or suite. It applies them statement by statement, continuing after
//! errors so that every error is reported, then proves properties that must hold for any migrations.

mod apply;
mod check;
mod danger;
mod finding;
mod ground;
mod properties;
mod provable;
mod rule;
mod show;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::ValueEnum;
use pgproof_report::Verdict;
use pgproof_runner::CloneDatabase;
use pgproof_server::ServerConfig;
use pgproof_sql::{Layout, Variables, lay_out, leave_out_extensions};

use crate::server::ServerArguments;
use crate::terminal::{Progress, say};
use check::{Check, Unit};
use finding::Finding;
use rule::{Rule, Severity};

/// The arguments of `audit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory of the migrations, or one file
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// A file that lists the migrations in order, one per line
    #[arg(long, value_name = "FILE")]
    order: Option<PathBuf>,
    /// Set a psql variable, and the value of ${NAME}; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    set: Vec<(String, String)>,
    /// The search path for unqualified names
    #[arg(long, value_name = "SCHEMAS", value_parser = schemas)]
    search_path: Option<String>,
    /// SQL to run first, to create roles and schemas that must exist
    #[arg(long, value_name = "FILE")]
    prelude: Option<PathBuf>,
    /// An extension that a superuser creates beforehand, because PostgreSQL does not trust it; may be repeated
    #[arg(long, value_name = "NAME")]
    extension: Vec<String>,
    /// Run the migrations as the server's user, usually a superuser, rather than as a role that owns only the database
    #[arg(long)]
    allow_outside: bool,
    /// Only apply the migrations, without further checks
    #[arg(long)]
    apply_only: bool,
    #[command(flatten)]
    server: ServerArguments,
    /// The major version of PostgreSQL [default: the newest found]
    #[arg(long, value_name = "MAJOR")]
    pg: Option<u16>,
    /// The output format of the findings
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For humans
    Text,
    /// For programs; documented in docs/audit.md
    Json,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn schemas(text: &str) -> Result<String, String> {
    let is_empty = text.split(',').any(|schema| schema.trim().is_empty());
    if is_empty { Err("the name of a schema is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// Audits migrations and prints what was found.
pub(crate) fn run(server: &ServerConfig, arguments: &Arguments) -> anyhow::Result<Verdict> {
    if !arguments.path.exists() {
        bail!("no such file or directory: {}", arguments.path.display());
    }
    let variables: Variables = arguments.set.iter().cloned().collect();
    let mut layout = lay_out(&arguments.path, arguments.order.as_deref(), &variables)?;
    leave_out_extensions(&mut layout.migrations, &arguments.extension);
    leave_out_extensions(&mut layout.rollbacks, &arguments.extension);
    arguments.server.start(server, arguments.pg)?;
    let template = ground::prepare(server, arguments, &layout)?;
    let database = CloneDatabase::copy_of(&template)?;
    let progress = Progress::new(arguments.format == Format::Json);
    progress.step(&format!("applying {}", arguments.path.display()));
    let applied = apply::apply_all(&database, &layout, &template)?;
    let statements = layout.migrations.iter().map(|migration| migration.statements.len()).sum();
    let applies = Check::new(Rule::Applies, statements, Unit::Statements).with_violations(applied.failed.len());
    let (mut findings, mut checks) = (applied.findings.clone(), vec![applies]);
    if !arguments.apply_only {
        let proven = properties::prove(&template, &layout, &applied, &progress);
        findings.extend(proven.findings);
        checks.extend(proven.checks);
    }
    drop(progress);
    let audit = show::Audit {
        path: &arguments.path,
        layout: &layout,
        major: template.major(),
        findings: &findings,
        checks: &checks,
    };
    match arguments.format {
        Format::Text => say(format_args!("{audit}"))?,
        Format::Json => {
            let document = serde_json::to_string_pretty(&audit.to_json()).context("cannot serialize the findings")?;
            say(format_args!("{document}\n"))?;
        }
    }
    arguments.server.keep(Some((database.name(), "as migrated")));
    Ok(verdict(&layout, &findings))
}

fn verdict(layout: &Layout, findings: &[Finding]) -> Verdict {
    if layout.migrations.is_empty() {
        return Verdict::Nothing;
    }
    let wrong = findings.iter().any(|finding| finding.severity != Severity::Note);
    if wrong { Verdict::Refuted } else { Verdict::Proven }
}
