//! What must hold of any migrations, proven without knowing the schema.

use std::sync::Arc;

use pgproof_assertions::assertion::Failure;
use pgproof_assertions::rerun::Runs;
use pgproof_runner::config::{Rerun, Transaction};
use pgproof_runner::isolation::Template;
use pgproof_runner::migration::{Layout, Migration, apply};
use pgproof_runner::{Origin, Sandbox};

use super::finding::{Finding, Severity};

/// Proves the properties that make sense for a layout. A tool that remembers what it has applied runs no file twice, so
/// that running again is only noted there.
pub(super) fn prove(template: &Arc<Template>, layout: &Layout) -> anyhow::Result<Vec<Finding>> {
    let runs = Runs::with(template, layout.migrations.clone(), Rerun::default());
    let once = layout.style.is_applied_once();
    let mut findings = Vec::new();
    let mut note = |rule, severity, advice: &str, result: Result<(), Failure>| -> anyhow::Result<bool> {
        match result {
            Ok(()) => Ok(true),
            Err(Failure::Refuted { found, .. }) => {
                let at = place(&found, layout);
                findings.push(Finding {
                    rule,
                    severity,
                    at,
                    message: found,
                    advice: Some(advice.to_owned()),
                    follows_from: None,
                });
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    };
    let severity = if once { Severity::Note } else { Severity::Warning };
    let again =
        "guard it: IF NOT EXISTS, ON CONFLICT, DROP … IF EXISTS before CREATE, a DO block that asks the catalog";
    let repeatable = note("again", severity, again, runs.again())?;
    // What cannot be run again does not recover from a kill either, and is told once.
    if repeatable {
        let killed = "what a killed statement leaves has to be removed or completed by the next run";
        note("killed", Severity::Warning, killed, runs.killed())?;
        let continued = "let a file that is run again leave alone what a later one has changed";
        note("continued", Severity::Warning, continued, runs.continuable())?;
        let migrated = template.derived("audit-migrated", |session, _| {
            apply(session, &layout.migrations, Transaction::Statement).map(|_| String::new())
        })?;
        let rows = "insert with ON CONFLICT DO NOTHING, and change or remove only rows that the migration made";
        note("rows", Severity::Warning, rows, runs.keep_rows(&mut Sandbox::on(migrated)?))?;
        note(
            "at-once",
            Severity::Warning,
            "let whoever applies migrations take an advisory lock first",
            runs.at_once(),
        )?;
    }
    if !layout.rollbacks.is_empty() {
        let complete: Vec<Migration> = layout.rollbacks.clone();
        let advice = "take back all that the migration made, in the opposite order";
        note("rollback", Severity::Warning, advice, runs.taken_back(&complete))?;
    }
    Ok(findings)
}

/// The first place in a message: `file:line:column`.
fn place(message: &str, layout: &Layout) -> Option<Origin> {
    let statements = layout.migrations.iter().chain(&layout.rollbacks).flat_map(|migration| &migration.statements);
    let mut places: Vec<(usize, Origin)> =
        statements.filter_map(|s| Some((message.find(&s.origin.to_string())?, s.origin.clone()))).collect();
    places.sort_by_key(|(at, origin)| (*at, std::cmp::Reverse(origin.to_string().len())));
    places.into_iter().next().map(|(_, origin)| origin)
}
