//! Row security of a table: whether it is enabled, and whether it is forced for the owner. `policy` covers what a
//! policy allows.

use pgproof_runner::Sandbox;
use pgproof_sql::{Property, QualifiedName};

use crate::pin::Pin;
use crate::pin::looked_at;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use crate::{table::TableRef, table::find};
use pgproof_catalog::Catalog;

impl TableRef {
    /// Its policies apply to everyone except its owner (ENABLE ROW LEVEL SECURITY).
    pub fn has_row_security(self) -> HasRowSecurity {
        HasRowSecurity { table: self.name, forced: false }
    }

    /// Its policies also apply to its owner (FORCE ROW LEVEL SECURITY).
    pub fn forces_row_security(self) -> HasRowSecurity {
        HasRowSecurity { table: self.name, forced: true }
    }
}

/// A table's policies hold.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct HasRowSecurity {
    table: QualifiedName,
    forced: bool,
}

impl Assertion for HasRowSecurity {
    fn subject(&self) -> Subject {
        Subject::table(&self.table)
    }

    fn sentence(&self) -> String {
        let forced = if self.forced { ", forced for its owner" } else { "" };
        format!("has row security{forced}")
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let forced = self.forced.then_some(Property::ForcedRowSecurity);
        let properties: Vec<Property> = [Property::RowSecurity].into_iter().chain(forced).collect();
        looked_at(&self.subject().object, &properties)
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = find(&catalog, &self.table)?;
        if !relation.row_security {
            return Err(refuted("row security is not enabled: its policies, if any, hold for nobody"));
        }
        if self.forced && !relation.row_security_forced {
            return Err(refuted("row security is not forced: its owner passes by"));
        }
        // If it is enabled without a policy, only the owner sees any rows: that is seldom intended.
        if catalog.policies_of(relation).next().is_none() {
            return Err(refuted("it has no policy, so that nobody sees a row"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn row_security_is_enabled_and_forced() {
        let mut db = scratch(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON a USING (x = 1);
             CREATE TABLE b (x int); CREATE TABLE c (x int); ALTER TABLE c ENABLE ROW LEVEL SECURITY;",
        );
        proven(&mut db, table("a").has_row_security());
        insta::assert_snapshot!(refuted(&mut db, table("a").forces_row_security()), @"
        refuted: table a has row security, forced for its owner
          row security is not forced: its owner passes by
        ");
        insta::assert_snapshot!(refuted(&mut db, table("b").has_row_security()), @"
        refuted: table b has row security
          row security is not enabled: its policies, if any, hold for nobody
        ");
        insta::assert_snapshot!(refuted(&mut db, table("c").has_row_security()), @"
        refuted: table c has row security
          it has no policy, so that nobody sees a row
        ");
        db.alter("ALTER TABLE a FORCE ROW LEVEL SECURITY").unwrap();
        proven(&mut db, table("a").forces_row_security());
    }
}
