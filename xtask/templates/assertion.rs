//! `skeleton`: say here which property of a table this family asserts, and what it leaves to other families.

use pgproof_catalog::Catalog;
use pgproof_runner::Sandbox;
use pgproof_sql::{Property, QualifiedName};

use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use crate::{table::TableRef, table::find};

impl TableRef {
    /// Its comment says something.
    pub fn skeleton(self) -> Skeleton {
        Skeleton { table: self.name }
    }
}

/// The comment of a table says something.
#[derive(Debug, Clone)]
#[must_use = "an assertion proves nothing until it is checked"]
pub struct Skeleton {
    table: QualifiedName,
}

impl Assertion for Skeleton {
    fn subject(&self) -> Subject {
        Subject::table(&self.table)
    }

    fn sentence(&self) -> String {
        "has a comment that says something".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::looked_at(self.subject().object, Property::Comment)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        match &find(&catalog, &self.table)?.comment {
            None => Err(refuted("it has no comment")),
            Some(comment) if comment.trim().is_empty() => Err(refuted("its comment is blank")),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_comment_that_says_something_is_proven() {
        let mut db = scratch("CREATE TABLE t (); COMMENT ON TABLE t IS 'things'");
        proven(&mut db, table("t").skeleton());
    }

    #[test]
    fn a_comment_that_says_nothing_is_refuted() {
        let mut db = scratch("CREATE TABLE t (); COMMENT ON TABLE t IS ' '");
        insta::assert_snapshot!(refuted(&mut db, table("t").skeleton()), @"
        refuted: table t has a comment that says something
          its comment is blank
        ");
    }
}
