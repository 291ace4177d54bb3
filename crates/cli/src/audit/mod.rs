//! `audit`: somebody's migrations, without configuration and suite. They are applied statement by statement, going on
//! after errors so that every one is told; then what must hold of any migrations is proven.

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

/// What `audit` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory of the migrations, or one file
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// A file that lists the migrations in their order, one a line
    #[arg(long, value_name = "FILE")]
    order: Option<PathBuf>,
    /// A value of a psql variable, and of ${NAME}; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    set: Vec<(String, String)>,
    /// The schemas that unqualified names are looked up in
    #[arg(long, value_name = "SCHEMAS")]
    search_path: Option<String>,
    /// SQL to run before anything else: the roles and schemas that must exist
    #[arg(long, value_name = "FILE")]
    prelude: Option<PathBuf>,
    /// Run also what could leave the disposable database
    #[arg(long)]
    allow_outside: bool,
    /// Only apply the migrations, and prove nothing of them
    #[arg(long)]
    apply_only: bool,
    /// What the findings are written as, to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs; the README documents it
    Json,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Why the database to begin with could not be made.
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
        bail!("there is no directory or file {}", arguments.path.display());
    }
    let variables: Variables = arguments.set.iter().cloned().collect();
    let layout = lay_out(&arguments.path, arguments.order.as_deref(), &variables)?;
    let outside = danger::outside(&layout);
    if !arguments.allow_outside && !outside.is_empty() {
        bail!(
            "these statements could leave the disposable database; run them with --allow-outside, on a machine that may be harmed:\n{}",
            outside.join("\n")
        );
    }
    let template = Template::scratch()?.derived("audit", |session, _| -> Result<String, BeginningError> {
        if let Some(path) = &arguments.search_path {
            // A clone does not carry what is set for its database; the role is the same everywhere.
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
            let document = serde_json::to_string_pretty(&audit.to_json()).context("the findings cannot be written")?;
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
