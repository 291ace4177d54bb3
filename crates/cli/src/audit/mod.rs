//! `audit`: checks migrations without configuration or suite. It applies them statement by statement, continuing after
//! errors so that every error is reported, then proves properties that must hold for any migrations.

mod apply;
mod danger;
mod finding;
mod properties;
mod show;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::ValueEnum;
use pgproof_report::Verdict;
use pgproof_runner::CloneDatabase;
use pgproof_runner::isolation::Template;
use pgproof_runner::migration::run_script;
use pgproof_server::DatabaseError;
use pgproof_sql::quote::literal;
use pgproof_sql::{Layout, Variables, lay_out};

use finding::{Finding, Severity};

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
    #[arg(long, value_name = "SCHEMAS")]
    search_path: Option<String>,
    /// SQL to run first, to create roles and schemas that must exist
    #[arg(long, value_name = "FILE")]
    prelude: Option<PathBuf>,
    /// Also run statements that reach outside the disposable database
    #[arg(long)]
    allow_outside: bool,
    /// Only apply the migrations, without further checks
    #[arg(long)]
    apply_only: bool,
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

/// Why the initial database could not be created.
#[derive(Debug, thiserror::Error)]
enum BeginningError {
    #[error(transparent)]
    Migration(#[from] pgproof_runner::migration::MigrationError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Audits migrations and prints what was found.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    if !arguments.path.exists() {
        bail!("no such file or directory: {}", arguments.path.display());
    }
    let variables: Variables = arguments.set.iter().cloned().collect();
    let layout = lay_out(&arguments.path, arguments.order.as_deref(), &variables)?;
    let outside = danger::outside(&layout);
    if !arguments.allow_outside && !outside.is_empty() {
        bail!(
            "these statements reach outside the disposable database; \
             to run them anyway, on an expendable machine, use --allow-outside:\n{}",
            outside.join("\n")
        );
    }
    let template = Template::scratch()?.derived("audit", |session, _| -> Result<String, BeginningError> {
        if let Some(path) = &arguments.search_path {
            // A clone does not inherit the settings of its database, but the role is the same everywhere.
            let schemas: Vec<String> = path.split(',').map(|schema| literal(schema.trim())).collect();
            session.run(&format!("ALTER ROLE CURRENT_USER SET search_path = {}", schemas.join(", ")))?;
        }
        if let Some(prelude) = &arguments.prelude {
            let root = prelude.parent().unwrap_or(std::path::Path::new("."));
            run_script(session, root, prelude)?;
        }
        Ok(String::new())
    })?;
    let database = CloneDatabase::copy_of(&template)?;
    let mut findings = apply::apply_all(&database, &layout, template.major())?;
    if findings.is_empty() && !arguments.apply_only {
        findings = properties::prove(&template, &layout)?;
    }
    let audit = show::Audit {
        path: &arguments.path,
        layout: &layout,
        major: template.major(),
        findings: &findings,
        proven: !arguments.apply_only,
    };
    match arguments.format {
        Format::Text => print!("{audit}"),
        Format::Json => {
            let document = serde_json::to_string_pretty(&audit.to_json()).context("cannot serialize the findings")?;
            println!("{document}");
        }
    }
    Ok(verdict(&layout, &findings))
}

fn verdict(layout: &Layout, findings: &[Finding]) -> Verdict {
    if layout.migrations.is_empty() {
        return Verdict::Nothing;
    }
    let wrong = findings.iter().any(|finding| finding.severity != Severity::Note);
    if wrong { Verdict::Refuted } else { Verdict::Proven }
}
