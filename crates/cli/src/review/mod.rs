//! `review`: pending plan changes, each as a diff with an explanation, to accept or reject one by one or all at once,
//! on a terminal or by flags.

mod again;
mod pending;
mod show;

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use pgproof_plans::Plans;
use pgproof_report::Verdict;
use pgproof_runner::{Config, Schema};

use crate::server::ServerArguments;
use crate::terminal::{colour, say};
use pending::Pending;

/// The arguments of `review`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Arguments {
    /// The schemas whose plans to review [default: all]
    #[arg(value_name = "SCHEMA")]
    schemas: Vec<String>,
    /// Accept the plan of this query; may be repeated
    #[arg(long, value_name = "QUERY")]
    accept: Vec<String>,
    /// Reject the plan of this query; may be repeated
    #[arg(long, value_name = "QUERY")]
    reject: Vec<String>,
    /// Accept all plans that are not rejected by name
    #[arg(long, conflicts_with = "reject_all")]
    accept_all: bool,
    /// Reject all plans that are not accepted by name
    #[arg(long)]
    reject_all: bool,
    /// Accept plans only for the major version that produced them
    #[arg(long)]
    this_major: bool,
    /// Print the changes as Markdown, for a comment on a pull request, without deciding on them
    #[arg(long, conflicts_with_all = ["accept", "reject", "accept_all", "reject_all"])]
    markdown: bool,
    #[command(flatten)]
    server: ServerArguments,
    /// The major version of PostgreSQL that plans again [default: the newest found]
    #[arg(long, value_name = "MAJOR")]
    pg: Option<u16>,
}

/// The decision on a pending change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Accept,
    AcceptForMajor,
    Reject,
    Later,
}

/// Shows pending changes and decides on them. Proven if none are left, otherwise refuted.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let mut pending = find(config, &arguments.schemas)?;
    if arguments.markdown {
        say(format_args!("{}", show::markdown(&pending)))?;
        return Ok(Verdict::Proven);
    }
    if pending.is_empty() {
        arguments.server.start(&config.server, arguments.pg)?;
        let mut changed = 0;
        for schema in chosen(config, &arguments.schemas) {
            changed += again::plan(config, schema)?;
        }
        arguments.server.keep(None);
        pending = find(config, &arguments.schemas)?;
        if pending.is_empty() && changed > 0 {
            bail!(
                "{changed} plans differ from what is accepted, and pending files are not written in CI or with INSTA_UPDATE=no"
            );
        }
    }
    if let Some(name) = arguments.accept.iter().chain(&arguments.reject).next().filter(|_| pending.is_empty()) {
        bail!("no pending change of query {name}: nothing is pending");
    }
    if pending.is_empty() {
        say(format_args!("no plan changes are pending: every query was planned again, and has its accepted plan\n"))?;
        return Ok(Verdict::Proven);
    }
    for name in arguments.accept.iter().chain(&arguments.reject) {
        if !pending.iter().any(|change| change.name == *name) {
            let names: Vec<_> = pending.iter().map(|change| change.name.as_str()).collect();
            bail!("no pending change of query {name}; pending: {}", names.join(", "));
        }
    }
    let asks = std::io::stdin().is_terminal() && !arguments.decides();
    let mut left = 0;
    for (number, change) in pending.iter().enumerate() {
        say(format_args!("{}\n", show::text(change, number + 1, pending.len(), colour())))?;
        let decision = if asks { ask()? } else { Some(arguments.decision(&change.name)) };
        match decision {
            None => {
                left += pending.len() - number;
                break;
            }
            Some(decision) => left += usize::from(decide(change, decision)?),
        }
    }
    if left == 0 {
        return Ok(Verdict::Proven);
    }
    say(format_args!("{left} of {} changes still pending{}\n", pending.len(), if asks { "" } else { HOW }))?;
    Ok(Verdict::Refuted)
}

const HOW: &str = "; use --accept QUERY, --reject QUERY, --accept-all or --reject-all, or run in a terminal";

impl Arguments {
    /// Whether the flags make the decisions, rather than prompts.
    fn decides(&self) -> bool {
        self.accept_all || self.reject_all || !self.accept.is_empty() || !self.reject.is_empty()
    }

    fn decision(&self, name: &str) -> Decision {
        let accepted = if self.this_major { Decision::AcceptForMajor } else { Decision::Accept };
        let named = |names: &[String]| names.iter().any(|other| other == name);
        if named(&self.accept) {
            accepted
        } else if named(&self.reject) || self.reject_all {
            Decision::Reject
        } else if self.accept_all {
            accepted
        } else {
            Decision::Later
        }
    }
}

fn chosen<'a>(config: &'a Config, names: &'a [String]) -> impl Iterator<Item = &'a Schema> {
    config.schemas.values().filter(move |schema| names.is_empty() || names.contains(&schema.name))
}

fn find(config: &Config, names: &[String]) -> anyhow::Result<Vec<Pending>> {
    let mut found = Vec::new();
    for name in names {
        config.schema(name)?;
    }
    for schema in chosen(config, names) {
        let snapshot = schema.snapshot.as_ref().map(|file| config.path(file));
        let mut directories: Vec<_> =
            schema.part::<Plans>()?.iter().map(|plans| config.path(&plans.snapshots)).collect();
        directories.extend(snapshot.as_ref().and_then(|file| Some(file.parent()?.to_owned())));
        directories.dedup();
        for directory in directories {
            found.extend(
                pending::read(&schema.name, &directory, snapshot.as_deref())
                    .with_context(|| format!("cannot read the snapshots in {}", config.shown(&directory).display()))?,
            );
        }
    }
    Ok(found)
}

/// Prompts on the terminal. None means quit.
fn ask() -> anyhow::Result<Option<Decision>> {
    loop {
        say(format_args!("[a]ccept, accept for this [m]ajor only, [r]eject, [l]ater, [q]uit? "))?;
        std::io::stdout().flush()?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim() {
            "a" => return Ok(Some(Decision::Accept)),
            "m" => return Ok(Some(Decision::AcceptForMajor)),
            "r" => return Ok(Some(Decision::Reject)),
            "l" | "" => return Ok(Some(Decision::Later)),
            "q" => return Ok(None),
            _ => {}
        }
    }
}

/// Carries a decision out. True if the change is still pending.
fn decide(change: &Pending, decision: Decision) -> anyhow::Result<bool> {
    match decision {
        Decision::Accept => change.accept(None)?,
        Decision::AcceptForMajor => {
            let major = change.new.major().context("the pending plan does not record its major version")?;
            change.accept(Some(major))?;
        }
        Decision::Reject => change.reject()?,
        Decision::Later => return Ok(true),
    }
    let word = if decision == Decision::Reject { "rejected" } else { "accepted" };
    say(format_args!("{word} {}\n\n", change.name))?;
    Ok(false)
}
