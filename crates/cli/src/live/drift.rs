//! `drift`: compares a database that is in use with what the migrations make, or with another database.

use std::fmt::Write;

use anyhow::Context;
use pgproof_catalog::Difference;
use pgproof_live::{Drift, Drifted, Target};
use pgproof_report::Verdict;
use pgproof_runner::Config;
use pgproof_sql::Property;
use serde_json::{Value, json};

use super::DatabaseArguments;
use crate::server::ServerArguments;
use crate::terminal::{Format, Progress, note, say};

/// The arguments of `drift`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The schema that the database has [default: the one that pgproof.toml gives it, or the only one]
    schema: Option<String>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// Compare with this database instead of the migrations: it is what is expected
    #[arg(long, value_name = "NAME|URL", conflicts_with = "schema")]
    between: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
    /// The output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Compares and prints what differs. The database is only read.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let target = arguments.database.target(config)?;
    let (drift, expected) = if let Some(other) = &arguments.between {
        let other = Target::of(config, other)?;
        (Drift::between(&target, &other)?, other.to_string())
    } else {
        let schema = super::schema_of(config, &target, arguments.schema.as_deref())?;
        let progress = Progress::new(arguments.format == Format::Json);
        progress.step(&format!("applying the migrations of {schema} to a disposable database"));
        let template = super::migrated_beside(config, &arguments.server, &target, &schema)?;
        progress.step(&format!("comparing {target}"));
        (Drift::of(&target, &template)?, format!("the migrations of {schema}"))
    };
    for unused in &drift.unused {
        note(format_args!("warning: databases.{}.accepted: {unused} accepted nothing", target.typed_name()));
    }
    match arguments.format {
        Format::Text => say(text(&drift, &target, &expected))?,
        Format::Json => {
            let document = serde_json::to_string_pretty(&json(&drift, &target, &expected));
            say(format_args!("{}\n", document.context("cannot serialize the differences")?))?;
        }
    }
    Ok(if drift.is_refuted() { Verdict::Refuted } else { Verdict::Proven })
}

/// What differs, a line or two each, and a line that sums up.
pub(super) fn text(drift: &Drift, target: &Target, expected: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for drifted in &drift.found {
        let _ = writeln!(text, "{}", sentence(drifted));
    }
    for (drifted, reason) in &drift.accepted {
        let _ = writeln!(text, "accepted: {}\n  because {reason}", sentence(drifted));
    }
    let order = drift.found.iter().filter(|drifted| drifted.difference.is_order()).count();
    let accepted =
        if drift.accepted.is_empty() { String::new() } else { format!(", {} accepted", drift.accepted.len()) };
    let order_only = if order == 0 { String::new() } else { format!(", {order} in the order of columns only") };
    let _ = match drift.found.len() - order {
        0 => writeln!(text, "no drift: {target} is as {expected} make it{order_only}{accepted}"),
        1 => writeln!(text, "drift: {target} differs from {expected} in 1 place{order_only}{accepted}"),
        count => writeln!(text, "drift: {target} differs from {expected} in {count} places{order_only}{accepted}"),
    };
    text
}

/// A difference as a sentence about the database, with the place of what was expected.
pub(super) fn sentence(drifted: &Drifted) -> String {
    let said = match &drifted.difference {
        Difference::Added(object) => format!("{object}: is not expected, but is there"),
        Difference::Removed(object) => format!("{object}: is missing"),
        other => {
            let (live, expected) = other.values();
            format!("{}: {} is {live}, expected {expected}", other.object(), other.what())
        }
    };
    match &drifted.made_at {
        Some(origin) => format!("{said}\n  made at {origin}"),
        None => said,
    }
}

fn json(drift: &Drift, target: &Target, expected: &str) -> Value {
    let difference = |drifted: &Drifted, reason: Option<&String>| {
        let difference = &drifted.difference;
        let (from, to) = difference.whole_values();
        json!({
            "object": difference.object().to_string(),
            "change": difference.change().name(),
            "property": difference.property().map(Property::name),
            "live": to,
            "expected": from,
            "file": drifted.made_at.as_ref().map(|origin| origin.file.display().to_string()),
            "line": drifted.made_at.as_ref().map(|origin| origin.line),
            "column": drifted.made_at.as_ref().map(|origin| origin.column),
            "accepted": reason,
        })
    };
    let found = drift.found.iter().map(|drifted| difference(drifted, None));
    let accepted = drift.accepted.iter().map(|(drifted, reason)| difference(drifted, Some(reason)));
    json!({
        "database": target.typed_name(),
        "expected": expected,
        "drift": drift.is_refuted(),
        "differences": found.chain(accepted).collect::<Vec<_>>(),
    })
}
