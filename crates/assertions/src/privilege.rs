//! What a role may do to a table, tried as that role. Privileges say nothing about rows: policies do.

use pgproof_server::SqlState;
use std::fmt;

use pgproof_runner::{NotTried, Sandbox};
use pgproof_server::Attempt;
use pgproof_sql::{ObjectId, Property, QualifiedName};
use pgproof_sql::{quote::identifier, quote::literal};

use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::listed, assertion::refuted};
use pgproof_catalog::{Catalog, Generation, Relation, RelationKind};

/// Begins a sentence about a role.
pub fn role(name: impl Into<String>) -> RoleRef {
    RoleRef { name: name.into() }
}

/// A role, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct RoleRef {
    name: String,
}

impl RoleRef {
    /// It has these privileges on a table, and no others.
    pub fn may_only(self, privileges: impl IntoIterator<Item = Privilege>, table: impl Into<QualifiedName>) -> MayOnly {
        MayOnly { role: self.name, privileges: privileges.into_iter().collect(), table: table.into() }
    }
}

/// The privileges of a role on a table (documentation, "Privileges").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// Read rows.
    Select,
    /// Add rows.
    Insert,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
    /// Remove all rows, regardless of policies.
    Truncate,
}

const ALL: [Privilege; 5] =
    [Privilege::Select, Privilege::Insert, Privilege::Update, Privilege::Delete, Privilege::Truncate];

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Privilege::Select => "SELECT",
            Privilege::Insert => "INSERT",
            Privilege::Update => "UPDATE",
            Privilege::Delete => "DELETE",
            Privilege::Truncate => "TRUNCATE",
        })
    }
}

/// A role has these privileges on a table, and no others.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct MayOnly {
    role: String,
    privileges: Vec<Privilege>,
    table: QualifiedName,
}

impl Assertion for MayOnly {
    fn subject(&self) -> Subject {
        Subject::called(ObjectId::table(&self.table), format!("role {}", self.role))
    }

    fn sentence(&self) -> String {
        format!("may do to {} only: {}", self.table, listed(&self.privileges))
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        let relation = catalog.relation(&self.table);
        relation.map(|found| vec![Pin::acted_out_both_ways(found.id(), Property::Privileges)]).unwrap_or_default()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let Some(relation) = catalog.relation(&self.table) else {
            return Err(refuted(format!("{} does not exist", self.table)));
        };
        let known = format!("SELECT rolsuper FROM pg_roles WHERE rolname = {}", literal(&self.role));
        match sandbox.value(&known)?.as_deref() {
            None => return Err(refuted("the role does not exist")),
            Some("t") => return Err(refuted("the role is a superuser: it may do anything")),
            Some(_) => {}
        }
        // Whoever is logged in to a database that is in use may not become any role.
        if sandbox.template().in_use().is_some()
            && !sandbox.attempt(&format!("SET LOCAL ROLE {}", identifier(&self.role)))?.is_accepted()
        {
            return Err(Failure::NotTried(NotTried::Privilege));
        }
        let mut problems = Vec::new();
        // A materialized view cannot be written to, whatever privileges were granted.
        let readable_only = relation.kind == RelationKind::MaterializedView;
        for privilege in ALL.into_iter().filter(|privilege| !readable_only || *privilege == Privilege::Select) {
            let statement = privilege.statement(relation);
            let attempt = sandbox.attempt(&format!("SET LOCAL ROLE {}; {statement}", identifier(&self.role)))?;
            // insufficient_privilege is raised before any row is read; after any other error, the privilege exists.
            let may = !matches!(&attempt, Attempt::Refused(refusal) if refusal.has(&SqlState::INSUFFICIENT_PRIVILEGE));
            match (may, self.privileges.contains(&privilege)) {
                (true, false) => problems.push(format!("it may {privilege}")),
                (false, true) => problems.push(format!("it may not {privilege}")),
                _ => {}
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(refuted(problems.join("\n"))) }
    }
}

impl Privilege {
    /// A statement that needs only this privilege, and touches no row to which policies could apply.
    fn statement(self, relation: &Relation) -> String {
        let table = relation.sql();
        let column = relation.columns.iter().find(|column| column.generation == Generation::None);
        let column = column.map_or_else(|| "none".to_owned(), |column| identifier(&column.name));
        match self {
            Privilege::Select => format!("SELECT FROM {table} WHERE false"),
            Privilege::Insert => format!("INSERT INTO {table} ({column}) SELECT NULL WHERE false"),
            Privilege::Update => format!("UPDATE {table} SET {column} = DEFAULT WHERE false"),
            Privilege::Delete => format!("DELETE FROM {table} WHERE false"),
            Privilege::Truncate => format!("TRUNCATE {table}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn privileges_are_tried_as_the_role() {
        let mut db = scratch(
            "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a text NOT NULL); CREATE ROLE pgproof_clerk;
             GRANT SELECT, INSERT ON t TO pgproof_clerk; CREATE MATERIALIZED VIEW sums AS SELECT count(*) FROM t;",
        );
        proven(&mut db, role("pgproof_clerk").may_only([], "sums"));
        proven(&mut db, role("pgproof_clerk").may_only([Privilege::Select, Privilege::Insert], "t"));
        insta::assert_snapshot!(refuted(&mut db, role("pgproof_clerk").may_only([Privilege::Select, Privilege::Delete], "t")), @"
        refuted: role pgproof_clerk may do to t only: SELECT, DELETE
          it may INSERT
          it may not DELETE
        ");
        insta::assert_snapshot!(refuted(&mut db, role("postgres").may_only([Privilege::Select], "t")), @"
        refuted: role postgres may do to t only: SELECT
          the role is a superuser: it may do anything
        ");
        insta::assert_snapshot!(refuted(&mut db, role("pgproof_nobody").may_only([], "t")), @"
        refuted: role pgproof_nobody may do to t only: none
          the role does not exist
        ");
    }
}
