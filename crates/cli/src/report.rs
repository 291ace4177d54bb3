//! `report`: merges the reports of the shards of a run into one, with the verdict on the whole run.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pgproof_report::{Majors, Report, Verdict, merge, merge_majors};

use crate::terminal::{Format, say};

/// The arguments of `report`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The reports of all shards, written by `verify --shard K/N --format json`
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    merge: Vec<PathBuf>,
    /// The output format of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Merges reports and prints the result.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let (mut runs, mut majors) = (Vec::new(), Vec::new());
    for file in &arguments.merge {
        let name = file.display().to_string();
        let value = read(file)?;
        let unreadable = || format!("{name} is not a report");
        if value.get("majors").is_some() {
            majors.push((name.clone(), serde_json::from_value::<Majors>(value).with_context(unreadable)?));
        } else {
            runs.push((name.clone(), serde_json::from_value::<Report>(value).with_context(unreadable)?));
        }
    }
    match (runs.is_empty(), majors.is_empty()) {
        (false, true) => {
            let report = merge(runs)?;
            say(format_args!("{}", arguments.format.reporter().report(&report)?))?;
            Ok(report.verdict)
        }
        (true, _) => {
            let all = merge_majors(majors)?;
            say(format_args!("{}", arguments.format.reporter().majors(&all)?))?;
            Ok(all.verdict)
        }
        (false, false) => bail!("some reports cover one major and others several, so they do not belong to one run"),
    }
}

fn read(file: &Path) -> anyhow::Result<serde_json::Value> {
    let text = pgproof_sql::files::read_text(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a report", file.display()))
}
