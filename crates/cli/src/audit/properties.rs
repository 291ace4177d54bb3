//! Properties that must hold for any migrations, proven without knowledge of the schema.

use std::sync::Arc;

use pgproof_assertions::assertion::Failure;
use pgproof_rerun::{Next, Rerun, Runs};
use pgproof_runner::Sandbox;
use pgproof_runner::isolation::Template;
use pgproof_runner::migration::apply;
use pgproof_server::SqlState;
use pgproof_sql::{Layout, Migration, Statement};
use pgproof_sql::{Provenance, with_causes};

use super::finding::{Finding, Severity};

/// Proves the properties that apply to a layout. A tool that records what it has applied runs no file twice, so rerun
/// problems are only notes there.
pub(super) fn prove(template: &Arc<Template>, layout: &Layout) -> anyhow::Result<Vec<Finding>> {
    let runs = Runs::with(template, layout.migrations.clone(), Rerun::default())
        .in_transactions_of(layout.style.transaction())
        .with_cases(CASES)
        .never_rolled_back(layout.repeatable.clone());
    let once = layout.style.is_applied_once();
    let all: Vec<Migration> = layout.migrations.iter().chain(&layout.rollbacks).cloned().collect();
    let provenance = Provenance::of(&all);
    let mut findings = Vec::new();
    let mut note = |rule, severity, advice: &str, result: Result<(), Failure>| -> anyhow::Result<bool> {
        match result {
            Ok(()) => Ok(true),
            Err(Failure::Refuted { found, target }) => {
                let at = target.and_then(|target| provenance.find(&target).cloned());
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
            // An error is reported along with the other findings. A privilege that the role lacks is nobody's fault.
            Err(error) => {
                let lacks = error.sqlstate() == Some(SqlState::INSUFFICIENT_PRIVILEGE.code());
                let message = format!("this could not be checked: {}", with_causes(&error));
                findings.push(Finding {
                    rule,
                    severity: if lacks { Severity::Note } else { Severity::Warning },
                    at: None,
                    message,
                    advice: lacks.then(|| "audit on a server that pgproof starts: --server local".to_owned()),
                    follows_from: None,
                });
                Ok(false)
            }
        }
    };
    if let Some(statement) = creates_role(layout) {
        let message =
            "roles belong to the whole server, not to a database, so migrations that create roles are not checked";
        findings.push(Finding {
            rule: "again",
            severity: Severity::Note,
            at: Some(statement.origin.clone()),
            message: message.to_owned(),
            advice: Some("create the roles in a file for --prelude".to_owned()),
            follows_from: None,
        });
        return Ok(findings);
    }
    // Flyway runs its repeatable migrations again whenever they change.
    let severity = if once && layout.repeatable.is_empty() { Severity::Note } else { Severity::Warning };
    let again =
        "guard it: IF NOT EXISTS, ON CONFLICT, DROP … IF EXISTS before CREATE, a DO block that checks the catalog";
    let repeatable = note("again", severity, again, runs.again())?;
    // Migrations that cannot be run again do not recover from a kill either; that is reported once.
    if repeatable {
        let killed = "make the next run remove or complete what a killed statement leaves behind";
        note("killed", Severity::Warning, killed, runs.killed().map(drop))?;
        let resumed = "a file that is run again must not change what a later file has changed";
        note("resumed", Severity::Warning, resumed, runs.resumable(Next::All).map(drop))?;
        let migrated = template.derived("audit-migrated", |session, _| {
            apply(session, &layout.migrations, layout.style.transaction()).map(|_| String::new())
        })?;
        let rows = "insert with ON CONFLICT DO NOTHING, and update or delete only rows that the migration inserted";
        note("rows", Severity::Warning, rows, runs.keep_rows(&mut Sandbox::on(migrated)?))?;
        note("at-once", Severity::Warning, "acquire an advisory lock before applying migrations", runs.at_once())?;
    }
    if !layout.rollbacks.is_empty() {
        let complete: Vec<Migration> = layout.rollbacks.clone();
        let advice = "undo everything that the migration does, in reverse order";
        note("rollback", Severity::Warning, advice, runs.rolled_back(&complete, repeatable && !once))?;
    }
    Ok(findings)
}

/// The number of test cases per property.
pub(super) const CASES: u32 = 10;

/// A statement that creates a role.
fn creates_role(layout: &Layout) -> Option<&Statement> {
    let statements = layout.migrations.iter().flat_map(|migration| &migration.statements);
    let mut roles = statements.filter(|statement| {
        let kind = statement.kind();
        ["CREATE ROLE", "CREATE USER", "CREATE GROUP"].contains(&kind.as_str())
            || statement.text.to_uppercase().contains("CREATE ROLE")
    });
    roles.next()
}
