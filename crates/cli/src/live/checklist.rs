//! `checklist`: the checklist that a runbook ends with, done as far as a program can. What only a person can tick is marked
//! so.

use std::fmt;

use anyhow::{Context, bail};
use pgproof_live::Drift;
use pgproof_live::doctor::Unreachable;
use pgproof_report::{SchemaReport, Verdict};
use pgproof_runner::config::ChecklistItem;
use pgproof_runner::{Config, Schema};
use pgproof_server::Session;

use super::{DatabaseArguments, drift};
use crate::server::ServerArguments;
use crate::terminal::{Progress, say};
use crate::verify;

/// The arguments of `checklist`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The schema whose checklist it is [default: the one that pgproof.toml gives the database, or the only one]
    schema: Option<String>,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    server: ServerArguments,
}

/// How an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ticked {
    /// It holds, because of this.
    Yes(String),
    /// It does not, because of this.
    No(String),
    /// Only a person knows.
    ByAPerson,
}

/// Goes through the checklist and prints it. The database is only read.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let target = arguments.database.target(config)?;
    let schema = super::schema_of(config, &target, arguments.schema.as_deref())?;
    let schema = config.schema(&schema)?;
    if schema.checklist.is_empty() {
        bail!(
            "schemas.{}.checklist in pgproof.toml is empty: add items such as `[[schemas.{0}.checklist]]`, `item = \"the backup is documented\"`",
            schema.name
        );
    }
    check(schema)?;
    let progress = Progress::new(false);
    progress.step(&format!("comparing {target} with the migrations of {}", schema.name));
    let template = super::migrated_beside(config, &arguments.server, &target, &schema.name)?;
    let drift = Drift::of(&target, &template)?;
    let needs_suite = schema.checklist.iter().any(|item| !item.sections.is_empty());
    let report = if needs_suite { Some(verify::report_of(config, schema, &progress)?) } else { None };
    let mut reader = target.reader().map_err(|error| Unreachable::new(&target, error))?;
    progress.step("asking the database");
    let ticked = schema.checklist.iter().map(|item| {
        let ticked = tick(item, &mut reader, &drift, report.as_ref());
        Ok((item, ticked?))
    });
    let ticked: Vec<(&ChecklistItem, Ticked)> = ticked.collect::<anyhow::Result<_>>()?;
    drop(progress);
    say(format_args!("{}: checklist of {target}\n", schema.name))?;
    let width = ticked.iter().map(|(item, _)| item.item.chars().count()).max().unwrap_or(0);
    for (item, ticked) in &ticked {
        say(format_args!("  {} {:width$}  {ticked}\n", ticked.mark(), item.item))?;
    }
    if drift.is_refuted() {
        say(drift::text(&drift, &target, &format!("the migrations of {}", schema.name)))?;
    }
    let wrong = ticked.iter().any(|(_, ticked)| matches!(ticked, Ticked::No(_)));
    Ok(if wrong { Verdict::Refuted } else { Verdict::Proven })
}

/// Fails if an item names a section that the schema does not have, or a query without the value to expect.
fn check(schema: &Schema) -> anyhow::Result<()> {
    for item in &schema.checklist {
        for section in &item.sections {
            if !schema.sections.iter().any(|known| known.module == *section) {
                bail!(
                    "the checklist item {:?} of schema {} names section {section:?}, which schemas.{1}.sections does not have",
                    item.item,
                    schema.name
                );
            }
        }
        if item.sql.is_some() != item.expect.is_some() {
            bail!(
                "the checklist item {:?} of schema {} needs both `sql` and `expect`, or neither",
                item.item,
                schema.name
            );
        }
    }
    Ok(())
}

fn tick(
    item: &ChecklistItem,
    reader: &mut Session,
    drift: &Drift,
    report: Option<&SchemaReport>,
) -> anyhow::Result<Ticked> {
    if let (Some(sql), Some(expected)) = (&item.sql, &item.expect) {
        let found =
            reader.value(sql).with_context(|| format!("the query of the checklist item {:?} failed", item.item))?;
        let found = found.unwrap_or_else(|| "NULL".to_owned());
        return Ok(if found == *expected {
            Ticked::Yes(format!("the database says {found}"))
        } else {
            Ticked::No(format!("the database says {found}, expected {expected}"))
        });
    }
    if item.sections.is_empty() {
        return Ok(Ticked::ByAPerson);
    }
    let sections = report.map(|report| report.sections.as_slice()).unwrap_or_default();
    let of_item: Vec<_> = sections.iter().filter(|section| item.sections.contains(&section.module)).collect();
    let refuted = of_item.iter().find(|section| section.verdict != Verdict::Proven);
    let assertions: usize = of_item.iter().map(|section| section.counts.proven).sum();
    Ok(match refuted {
        Some(section) => Ticked::No(format!("section {:?} is not proven; run pgproof verify", section.title)),
        None if drift.is_refuted() => {
            Ticked::No("proven of the migrations, but the database differs from them: see below".to_owned())
        }
        None => Ticked::Yes(format!(
            "{assertions} assertions, proven of the migrations; the database does not differ from them"
        )),
    })
}

impl Ticked {
    fn mark(&self) -> &'static str {
        match self {
            Ticked::Yes(_) => "[x]",
            Ticked::No(_) => "[!]",
            Ticked::ByAPerson => "[ ]",
        }
    }
}

impl fmt::Display for Ticked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ticked::Yes(why) | Ticked::No(why) => f.write_str(why),
            Ticked::ByAPerson => f.write_str("for a person to tick"),
        }
    }
}
