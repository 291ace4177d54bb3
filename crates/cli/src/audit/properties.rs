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

use super::finding::Finding;
use super::rule::{Rule, Severity};

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
    let mut note = |rule: Rule, severity, result: Result<(), Failure>| -> bool {
        let finding = match result {
            Ok(()) => return true,
            Err(Failure::Refuted { found, target }) => {
                let at = target.and_then(|target| provenance.find(&target).cloned());
                Finding::new(rule, at, found).advised(rule.help()).with_severity(severity)
            }
            // A privilege that the role lacks is nobody's fault.
            Err(error) if error.sqlstate() == Some(SqlState::INSUFFICIENT_PRIVILEGE.code()) => {
                Finding::new(rule, None, format!("this could not be checked: {}", with_causes(&error)))
                    .advised("audit on a server that pgproof starts: --server local")
                    .with_severity(Severity::Note)
            }
            // An error is reported along with the other findings.
            Err(error) => Finding::new(rule, None, format!("this could not be checked: {}", with_causes(&error)))
                .with_severity(Severity::Warning),
        };
        findings.push(finding);
        false
    };
    if let Some(statement) = creates_role(layout) {
        let message =
            "roles belong to the whole server, not to a database, so migrations that create roles are not checked";
        let finding = Finding::new(Rule::Again, Some(statement.origin.clone()), message.to_owned());
        findings.push(finding.advised("create the roles in a file for --prelude").with_severity(Severity::Note));
        return Ok(findings);
    }
    // Flyway runs its repeatable migrations again whenever they change.
    let severity = if once && layout.repeatable.is_empty() { Severity::Note } else { Rule::Again.severity() };
    let repeatable = note(Rule::Again, severity, runs.again());
    // Migrations that cannot be run again do not recover from a kill either; that is reported once.
    if repeatable {
        note(Rule::Killed, Rule::Killed.severity(), runs.killed().map(drop));
        note(Rule::Resumed, Rule::Resumed.severity(), runs.resumable(Next::All).map(drop));
        let migrated = template.derived("audit-migrated", |session, _| {
            apply(session, &layout.migrations, layout.style.transaction()).map(|_| String::new())
        })?;
        note(Rule::Rows, Rule::Rows.severity(), runs.keep_rows(&mut Sandbox::on(migrated)?));
        note(Rule::AtOnce, Rule::AtOnce.severity(), runs.at_once());
    }
    if !layout.rollbacks.is_empty() {
        let complete: Vec<Migration> = layout.rollbacks.clone();
        note(Rule::Rollback, Rule::Rollback.severity(), runs.rolled_back(&complete, repeatable && !once));
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
