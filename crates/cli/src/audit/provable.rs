//! The part of a layout whose properties can be proven: without statements that failed when it was applied, and without
//! those that create or drop roles, which belong to the whole server.

use pgproof_sql::{Layout, Migration, Statement};

use super::apply::Applied;
use super::finding::Finding;
use super::rule::{Rule, Severity};

/// What can be proven of a layout.
#[derive(Debug)]
pub(super) struct Provable {
    pub(super) migrations: Vec<Migration>,
    pub(super) rollbacks: Vec<Migration>,
    /// Says that statements on roles are left out, if any are.
    pub(super) roles: Option<Finding>,
}

impl Provable {
    /// Leaves out what failed, and what a second database of the same server cannot repeat.
    pub(super) fn of(layout: &Layout, applied: &Applied) -> Provable {
        let mut migrations = layout.migrations.clone();
        for (file, migration) in migrations.iter_mut().enumerate() {
            let mut number = 0..;
            migration.statements.retain(|_| !applied.failed.contains(&(file, number.next().unwrap_or_default())));
        }
        let mut rollbacks = layout.rollbacks.clone();
        let first =
            migrations.iter().flat_map(|file| &file.statements).find(|statement| is_on_roles(statement)).cloned();
        for file in migrations.iter_mut().chain(&mut rollbacks) {
            file.statements.retain(|statement| !is_on_roles(statement));
        }
        migrations.retain(|migration| !migration.statements.is_empty());
        let roles = first.map(|statement| {
            let message = "roles belong to the whole server, not to a database: they were created once, \
                           and statements that create or drop them were left out of what was tried next";
            Finding::new(Rule::Again, Some(statement.origin), message.to_owned())
                .advised("create the roles in a file for --prelude")
                .with_severity(Severity::Note)
        });
        Provable { migrations, rollbacks, roles }
    }
}

/// Whether a statement creates or drops roles and does nothing else. A block that does it only if needed stays.
fn is_on_roles(statement: &Statement) -> bool {
    let kind = statement.kind();
    let mut words = kind.split(' ');
    matches!((words.next(), words.next()), (Some("CREATE" | "DROP"), Some("ROLE" | "USER" | "GROUP")))
        && !statement.text.to_uppercase().contains("MAPPING")
}
