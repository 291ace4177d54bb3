//! What must hold of any migrations, proven without knowing the schema.

use std::sync::Arc;

use pgproof_assertions::assertion::Failure;
use pgproof_rerun::Runs;
use pgproof_runner::Sandbox;
use pgproof_runner::config::Rerun;
use pgproof_runner::isolation::Template;
use pgproof_runner::migration::apply;
use pgproof_sql::{Layout, Migration, Statement};
use pgproof_sql::{Origin, with_causes};

use super::finding::{Finding, Severity};

/// Proves the properties that make sense for a layout. A tool that remembers what it has applied runs no file twice, so
/// that running again is only noted there.
pub(super) fn prove(template: &Arc<Template>, layout: &Layout) -> anyhow::Result<Vec<Finding>> {
    let runs = Runs::with(template, layout.migrations.clone(), Rerun::default())
        .in_transactions_of(layout.style.transaction())
        .with_cases(CASES)
        .never_taken_back(layout.repeatable.clone());
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
            // What could not be proven is told beside the rest.
            Err(error) => {
                let message = format!("this could not be checked: {}", with_causes(&error));
                findings.push(Finding {
                    rule,
                    severity: Severity::Warning,
                    at: None,
                    message,
                    advice: None,
                    follows_from: None,
                });
                Ok(false)
            }
        }
    };
    if let Some(statement) = makes_roles(layout) {
        let message =
            "roles belong to the whole server, not to a database, so nothing is proven of migrations that make some";
        findings.push(Finding {
            rule: "again",
            severity: Severity::Note,
            at: Some(statement.origin.clone()),
            message: message.to_owned(),
            advice: Some("make the roles in a file for --prelude".to_owned()),
            follows_from: None,
        });
        return Ok(findings);
    }
    // Flyway runs its repeatable migrations again whenever they change.
    let severity = if once && layout.repeatable.is_empty() { Severity::Note } else { Severity::Warning };
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
            apply(session, &layout.migrations, layout.style.transaction()).map(|_| String::new())
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
        note("rollback", Severity::Warning, advice, runs.taken_back(&complete, repeatable && !once))?;
    }
    Ok(findings)
}

/// How many cases of each property are tried.
pub(super) const CASES: u32 = 10;

/// A statement that makes a role.
fn makes_roles(layout: &Layout) -> Option<&Statement> {
    let statements = layout.migrations.iter().flat_map(|migration| &migration.statements);
    let mut roles = statements.filter(|statement| {
        let kind = statement.kind();
        ["CREATE ROLE", "CREATE USER", "CREATE GROUP"].contains(&kind.as_str())
            || statement.text.to_uppercase().contains("CREATE ROLE")
    });
    roles.next()
}

/// The first place in a message: `file:line:column`.
fn place(message: &str, layout: &Layout) -> Option<Origin> {
    let statements = layout.migrations.iter().chain(&layout.rollbacks).flat_map(|migration| &migration.statements);
    let mut places: Vec<(usize, Origin)> =
        statements.filter_map(|s| Some((message.find(&s.origin.to_string())?, s.origin.clone()))).collect();
    places.sort_by_key(|(at, origin)| (*at, std::cmp::Reverse(origin.to_string().len())));
    places.into_iter().next().map(|(_, origin)| origin)
}
