//! Properties that must hold for any migrations, proven without knowledge of the schema: of each file where it stands, then
//! of all of them together. What fails does not keep the rest from being tried.

use std::collections::BTreeSet;
use std::sync::Arc;

use pgproof_assertions::assertion::{Failure, impossible};
use pgproof_rerun::{FilePlan, FileProperty, Next, Rerun, Runs, Tried};
use pgproof_runner::Sandbox;
use pgproof_runner::isolation::Template;
use pgproof_server::SqlState;
use pgproof_sql::{Layout, Migration, Provenance, with_causes};

use super::apply::Applied;
use super::check::{Check, Unit};
use super::finding::Finding;
use super::provable::Provable;
use super::rule::{Rule, Severity};
use crate::terminal::Progress;

/// At most this many cases of a property of all files together are tried.
const CASES: usize = 10;

/// So many statements may be sent for the cases of a property: large layouts get fewer cases.
const STATEMENTS: usize = 4000;

/// What was found out.
#[derive(Debug, Default)]
pub(super) struct Proven {
    pub(super) findings: Vec<Finding>,
    pub(super) checks: Vec<Check>,
}

/// Proves the properties that apply to a layout, without the statements that failed when it was applied. A tool that records
/// what it has applied runs no file twice, so rerun problems are only counted there.
pub(super) fn prove(template: &Arc<Template>, layout: &Layout, applied: &Applied, progress: &Progress) -> Proven {
    let provable = Provable::of(layout, applied);
    let all: Vec<Migration> = layout.migrations.iter().chain(&layout.rollbacks).cloned().collect();
    let statements: usize = provable.migrations.iter().map(|migration| migration.statements.len()).sum();
    let cases = (STATEMENTS / statements.max(1)).clamp(1, CASES);
    let runs = Runs::with(template, provable.migrations.clone(), Rerun::default())
        .in_transactions_of(layout.style.transaction())
        .with_cases(u32::try_from(cases).unwrap_or(1))
        .never_rolled_back(layout.repeatable.clone());
    let mut prover = Prover { runs, layout, provenance: Provenance::of(&all), proven: Proven::default() };
    prover.proven.findings.extend(provable.roles.clone());
    if statements == 0 {
        return prover.proven;
    }
    let repeatable = prover.each_file(&provable, progress);
    if !layout.style.is_applied_once() {
        prover.all_files(repeatable, cases, progress);
    }
    prover.proven
}

struct Prover<'a> {
    runs: Runs,
    layout: &'a Layout,
    provenance: Provenance,
    proven: Proven,
}

impl Prover<'_> {
    /// The properties of each file. Returns whether every file can be run again.
    fn each_file(&mut self, provable: &Provable, progress: &Progress) -> bool {
        let once = self.layout.style.is_applied_once();
        // Flyway runs its repeatable migrations again whenever they change.
        let in_brief = |number: u64| once && !self.layout.repeatable.contains(&number);
        let mut properties = vec![FileProperty::Again, FileProperty::RolledBack];
        if !once {
            properties.insert(1, FileProperty::Killed);
        }
        let plan = FilePlan {
            properties,
            rollbacks: provable.rollbacks.iter().map(|back| (back.number, back)).collect(),
            in_brief: self.runs.migrations.iter().map(|file| file.number).filter(|number| in_brief(*number)).collect(),
        };
        progress.files(self.runs.migrations.len());
        let mut found: Vec<(Migration, Tried)> = Vec::new();
        let runs = self.runs.clone();
        let done = runs.by_file(&plan, &mut |file, tried| {
            progress.tested();
            found.extend(tried.into_iter().map(|tried| (file.clone(), tried)));
        });
        let is_broken = |tried: &Tried| !matches!(tried.result, Some(Ok(())));
        let again = found.iter().filter(|(_, tried)| tried.property == FileProperty::Again && is_broken(tried));
        let fail_again: BTreeSet<u64> = again.map(|(file, _)| file.number).collect();
        let all_repeatable = done.is_ok() && fail_again.is_empty();
        for (property, rule, unit) in [
            (FileProperty::Again, Rule::Again, Unit::Files),
            (FileProperty::Killed, Rule::Killed, Unit::Files),
            (FileProperty::RolledBack, Rule::Rollback, Unit::Rollbacks),
        ] {
            let of_rule = found.iter().filter(|(_, tried)| tried.property == property);
            let (mut tried, mut violations) = (0, 0);
            let mut brief = false;
            for (file, result) in of_rule {
                tried += 1;
                violations += usize::from(is_broken(result));
                match &result.result {
                    // A file that cannot be run again does not recover from a kill either; that is said once.
                    Some(Err(_)) if rule == Rule::Killed && fail_again.contains(&file.number) => {}
                    Some(Err(failure)) => {
                        self.proven.findings.push(finding(&self.provenance, rule, failure, Some(file)));
                    }
                    Some(Ok(())) => {}
                    None => brief = true,
                }
            }
            if tried > 0 {
                let check = Check::new(rule, tried, unit).with_violations(violations);
                self.proven.checks.push(if brief { check.remarked("the tool runs no file twice") } else { check });
            }
        }
        if let Err(failure) = done {
            self.proven.findings.push(finding(&self.provenance, Rule::Applies, &failure, None));
        }
        all_repeatable
    }

    /// The properties of all files together.
    fn all_files(&mut self, repeatable: bool, cases: usize, progress: &Progress) {
        let rules = [Rule::Again, Rule::Killed, Rule::Resumed, Rule::Rows, Rule::AtOnce];
        if !repeatable {
            // They would fail for the reasons that are found already.
            let why = "not every file can be run again";
            let checks = rules[2..].iter().map(|rule| Check::new(*rule, 0, Unit::Runs).remarked(why));
            self.proven.checks.extend(checks);
            return;
        }
        for rule in rules {
            progress.step(&format!("trying all files: {}", rule.name()));
            let result = match rule {
                Rule::Again => self.runs.again_together(),
                Rule::Killed => self.runs.killed().map(drop),
                Rule::Resumed => self.runs.resumable(Next::All).map(drop),
                Rule::Rows => self.keep_rows(),
                _ => self.runs.at_once(),
            };
            let violations = usize::from(result.is_err());
            if let Err(failure) = &result {
                self.proven.findings.push(finding(&self.provenance, rule, failure, None));
            }
            let tried = if matches!(rule, Rule::Again | Rule::AtOnce) { 2 } else { cases };
            let check = Check::new(rule, tried, Unit::Runs).with_violations(violations);
            self.proven.checks.push(check.remarked("all files together"));
        }
    }

    fn keep_rows(&self) -> Result<(), Failure> {
        let mut sandbox = Sandbox::on(self.runs.migrated_template()?).map_err(impossible)?;
        self.runs.keep_rows(&mut sandbox)
    }
}

/// The finding for a property that does not hold, or that could not be checked.
fn finding(provenance: &Provenance, rule: Rule, failure: &Failure, file: Option<&Migration>) -> Finding {
    let first = || Some(file?.statements.first()?.origin.clone());
    match failure {
        Failure::Refuted { found, target } => {
            let at = target.as_ref().and_then(|target| provenance.find(target).cloned());
            Finding::new(rule, at.or_else(first), found.clone()).advised(rule.help())
        }
        // A privilege that the role lacks is nobody's fault.
        error if error.sqlstate() == Some(SqlState::INSUFFICIENT_PRIVILEGE.code()) => {
            Finding::new(rule, first(), format!("this could not be checked: {}", with_causes(error)))
                .advised("audit on a server that pgproof starts: --server local")
                .with_severity(Severity::Note)
        }
        error => Finding::new(rule, first(), format!("this could not be checked: {}", with_causes(error)))
            .with_severity(Severity::Warning),
    }
}
