//! `plan`: the plans of a schema's queries in the planning database, or as they would be if tables had other numbers of
//! rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::terminal::{note, say};
use anyhow::{Context, bail, ensure};
use pgproof_plans::{Plans, Scale, WorkloadQuery, shortages};
use pgproof_plans::{planning_template, read_workload, rendered, scaled_template};
use pgproof_report::Verdict;
use pgproof_runner::isolation::Template;
use pgproof_runner::{Config, Sandbox};

use crate::server::ServerArguments;

/// The arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The schema
    #[arg(value_name = "SCHEMA")]
    schema: String,
    /// The queries, by file name [default: all]
    #[arg(value_name = "QUERY")]
    queries: Vec<String>,
    /// Plan as if a table had this many rows; may be repeated
    #[arg(long, value_name = "TABLE=ROWS", value_parser = rows)]
    rows: Vec<(String, u64)>,
    /// Show only queries whose plan would differ from that in the planning database
    #[arg(long, requires = "rows")]
    changed: bool,
    #[command(flatten)]
    server: ServerArguments,
    /// The major version of PostgreSQL [default: the newest found]
    #[arg(long, value_name = "MAJOR")]
    pg: Option<u16>,
}

/// Parses `lead_tasks=50000000`; underscores and commas between digits are allowed.
fn rows(text: &str) -> Result<(String, u64), String> {
    let (table, number) = text.split_once('=').filter(|(table, _)| !table.is_empty()).ok_or("expected TABLE=ROWS")?;
    let digits: String = number.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let rows = digits.parse().map_err(|_| format!("{number:?} is not a number of rows"))?;
    if rows == 0 { Err("a table must have at least one row".to_owned()) } else { Ok((table.to_owned(), rows)) }
}

/// Prints plans.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let schema = config.schema(&arguments.schema)?;
    let plans = schema.part::<Plans>()?;
    let plans = plans.with_context(|| format!("schema {0} has no [schemas.{0}.plans] in pgproof.toml", schema.name))?;
    let queries = chosen(read_workload(&config.path(&plans.queries), &plans.queries)?, &arguments.queries)?;
    arguments.server.start(&config.server, arguments.pg)?;
    let template = planning_template(&Template::in_config(|| Ok(config.clone()), &schema.name)?)?;
    let verdict = show_plans(plans.role.as_deref(), &template, &queries, arguments);
    arguments.server.keep(template.database().map(|database| (database, "the planning database")));
    verdict
}

fn show_plans(
    role: Option<&str>,
    template: &Arc<Template>,
    queries: &[WorkloadQuery],
    arguments: &Arguments,
) -> anyhow::Result<Verdict> {
    let mut usual = Sandbox::on(template.clone())?;
    for shortage in shortages(usual.context()) {
        note(format_args!("note: in the planning database {shortage}"));
    }
    if arguments.rows.is_empty() {
        for query in queries {
            show(query, &rendered(query, &mut usual, role).with_context(|| unplanned(query))?.0)?;
        }
        return Ok(Verdict::Proven);
    }
    let scale: Scale = arguments.rows.iter().cloned().collect();
    ensure!(scale.len() == arguments.rows.len(), "--rows names a table twice");
    let mut scaled = scaled_template(template)?;
    let mut different = 0;
    for query in queries {
        let (before, _) = rendered(query, &mut usual, role).with_context(|| unplanned(query))?;
        let (after, _) = rendered(query, scaled.plan_as_if(&scale)?, role).with_context(|| unplanned(query))?;
        different += usize::from(before != after);
        if !arguments.changed || before != after {
            show(query, &after)?;
        }
    }
    let tables: Vec<_> = scale.iter().map(|(table, rows)| format!("{table} with {rows} rows")).collect();
    say(format_args!(
        "{}: {different} of {} plans differ from those of the planning database\n",
        tables.join(", "),
        queries.len()
    ))?;
    Ok(Verdict::Proven)
}

fn unplanned(query: &WorkloadQuery) -> String {
    format!("query {} cannot be planned", query.name)
}

fn chosen(all: Vec<WorkloadQuery>, names: &[String]) -> anyhow::Result<Vec<WorkloadQuery>> {
    let known: BTreeSet<_> = all.iter().map(|query| query.name.clone()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(*name)) {
        bail!("no such query: {unknown}; available: {}", known.into_iter().collect::<Vec<_>>().join(", "));
    }
    Ok(all.into_iter().filter(|query| names.is_empty() || names.contains(&query.name)).collect())
}

fn show(query: &WorkloadQuery, text: &str) -> std::io::Result<()> {
    say(format_args!("== {}\n{text}\n\n", query.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_rows_are_parsed() {
        assert_eq!(rows("lead_tasks=50_000_000"), Ok(("lead_tasks".to_owned(), 50_000_000)));
        assert_eq!(rows("t=0").expect_err("none"), "a table must have at least one row");
        assert!(rows("t").is_err() && rows("t=many").is_err());
    }
}
