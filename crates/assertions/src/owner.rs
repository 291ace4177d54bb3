//! Who owns a table or view.

use pgproof_catalog::{Catalog, Relation};
use pgproof_runner::Sandbox;
use pgproof_sql::{ObjectId, Property};

use crate::assertion::{Assertion, Failure, Subject, refuted};
use crate::pin::{Pin, looked_at};
use crate::table::TableRef;

/// Who owns an object, and may therefore change it, and to whom policies do not apply.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct OwnedBy {
    object: ObjectId,
    role: String,
}

impl TableRef {
    /// This role owns it: it may change it, and policies bind it only if they are forced.
    pub fn is_owned_by(self, role: impl Into<String>) -> OwnedBy {
        OwnedBy { object: ObjectId::table(self.name()), role: role.into() }
    }
}

impl Assertion for OwnedBy {
    fn subject(&self) -> Subject {
        Subject::of(self.object.clone())
    }

    fn sentence(&self) -> String {
        format!("belongs to {}", self.role)
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        looked_at(&self.object, &[Property::Owner])
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let found = catalog.relation(&self.object.qualified_name()).map(Relation::id);
        let owner = found.as_ref().and_then(|object| catalog.objects.property(object, Property::Owner));
        match owner {
            Some(owner) if owner == self.role => Ok(()),
            Some(owner) => Err(refuted(format!("it belongs to {owner}"))),
            None => Err(refuted("it does not exist")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_table_has_its_owner() {
        let mut db = scratch(
            "CREATE ROLE pgproof_owner_test; CREATE TABLE t (id int); ALTER TABLE t OWNER TO pgproof_owner_test;",
        );
        proven(&mut db, table("t").is_owned_by("pgproof_owner_test"));
        insta::assert_snapshot!(refuted(&mut db, table("t").is_owned_by("somebody")), @"
        refuted: table t belongs to somebody
          it belongs to pgproof_owner_test
        ");
    }
}
