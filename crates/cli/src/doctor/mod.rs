//! `doctor`: checks the prerequisites of pgproof on this machine, those of a schema's application, and those of a database
//! that is in use. The values of environment variables are never shown.

mod checklist;
mod variable;

use pgproof_live::doctor::{environment_file, examine, migration_files, missing_target};
use pgproof_live::{Environment, Target};
use pgproof_report::Verdict;
use pgproof_runner::{Config, Schema};
use pgproof_server::{ServerOptions, describe};
use pgproof_sql::with_causes;

use checklist::{Line, has_problem, rendered, summary, width};
use variable::variable;

use crate::live::schema_of;
use crate::suite;
use crate::terminal::say;

/// The arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Also check the environment variables that this schema's application needs
    #[arg(value_name = "SCHEMA")]
    named: Vec<String>,
    /// The same as SCHEMA; may be repeated
    #[arg(long, value_name = "SCHEMA")]
    schema: Vec<String>,
    /// Also check a database that is in use, for the migrations of the schema: a name in `[databases]` of pgproof.toml,
    /// or a connection string. It is only read
    #[arg(long, value_name = "NAME|URL")]
    database: Option<String>,
}

/// Runs all checks and prints the results.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let names = arguments.named.iter().chain(&arguments.schema);
    let asked: Vec<&Schema> = names.map(|name| config.schema(name)).collect::<Result<_, _>>()?;
    // A name that the configuration does not have is reported before anything is checked.
    let on_database = arguments.database.as_deref().map(|text| database(config, &asked, text)).transpose()?;
    let mut lines = here(config);
    let environment = Environment::read(&config.root);
    lines.extend(environment_file(&environment).map(Line::from));
    for schema in asked {
        // With a database, a schema is named for its migrations.
        if schema.environment.is_empty() && on_database.is_none() {
            let nothing = format!("[schemas.{}.environment] in pgproof.toml lists no variables", schema.name);
            lines.push(Line::of(format!("environment of {}", schema.name), Err(nothing)));
        }
        for (name, wanted) in &schema.environment {
            let value = match &environment {
                Ok(environment) => environment.get(name),
                Err(_) => std::env::var(name).ok().map(|value| (value, pgproof_live::Found::Environment)),
            };
            let value = value.as_ref().map(|(value, place)| (value.as_str(), *place));
            lines.push(Line::of(name.clone(), variable(wanted, value)));
        }
    }
    let Some((title, checked)) = on_database else {
        say(rendered(&lines, width(&lines)))?;
        return Ok(verdict(&lines));
    };
    let wide = width(&lines).max(width(&checked));
    let (here, there) = (rendered(&lines, wide), rendered(&checked, wide));
    lines.extend(checked);
    say(format_args!("this machine\n{here}\n{title}\n{there}\n{}", summary(&lines)))?;
    Ok(verdict(&lines))
}

fn verdict(lines: &[Line]) -> Verdict {
    if has_problem(lines) { Verdict::Refuted } else { Verdict::Proven }
}

/// What pgproof needs on this machine.
fn here(config: &Config) -> Vec<Line> {
    let file = config.shown(&config.file).display().to_string();
    let names: Vec<&str> = config.schemas.keys().map(String::as_str).collect();
    let mut lines = vec![
        Line::of(file, Ok(names.join(", "))),
        Line::of("PostgreSQL", server(config)),
        Line::of("cargo", suite::cargo_version()),
    ];
    lines.extend(config.schemas.values().map(|schema| Line::from(migration_files(config, schema))));
    lines
}

fn server(config: &Config) -> Result<String, String> {
    ServerOptions::of(&config.server).and_then(|options| describe(&options)).map_err(|error| with_causes(&error))
}

/// What the database is called, and its checks.
fn database(config: &Config, asked: &[&Schema], text: &str) -> anyhow::Result<(String, Vec<Line>)> {
    let target = match Target::of(config, text) {
        Ok(target) => target,
        Err(error) => {
            // A connection string may hold a password; a name does not.
            let title = if text.contains(['=', '/']) { "the given database" } else { text };
            let check = missing_target(&error).ok_or(error)?;
            return Ok((title.to_owned(), vec![check.into()]));
        }
    };
    let given = match asked {
        [] => None,
        [one] => Some(one.name.as_str()),
        _ => anyhow::bail!("--database checks a database for one schema, but {} are named", asked.len()),
    };
    let name = schema_of(config, &target, given)?;
    let checks = examine(config, config.schema(&name)?, &target);
    Ok((target.to_string(), checks.into_iter().map(Line::from).collect()))
}
