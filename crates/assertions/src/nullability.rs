//! Whether a column accepts NULL, proven by inserting one.

use pgproof_runner::Sandbox;
use pgproof_server::Attempt;
use pgproof_sql::Property;

use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::Catalog;
use pgproof_catalog::{row::RowGenerator, row::Value};

impl ColumnRef {
    /// It rejects NULL.
    pub fn is_not_null(self) -> Nullability {
        Nullability::new(self, false)
    }

    /// It accepts NULL.
    pub fn is_nullable(self) -> Nullability {
        Nullability::new(self, true)
    }
}

/// A column accepts or rejects NULL.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct Nullability {
    at: ColumnRef,
    nullable: bool,
}

impl Nullability {
    pub(crate) fn new(at: ColumnRef, nullable: bool) -> Nullability {
        Nullability { at, nullable }
    }
}

impl Assertion for Nullability {
    fn subject(&self) -> Subject {
        self.at.subject()
    }

    fn sentence(&self) -> String {
        if self.nullable { "accepts NULL".to_owned() } else { "rejects NULL".to_owned() }
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let column = self.at.subject().object;
        vec![if self.nullable {
            Pin::acted_out(column, Property::NotNull)
        } else {
            Pin::acted_out_both_ways(column, Property::NotNull)
        }]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let (_, column) = self.at.find(&catalog)?;
        let draft = RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[])?;
        match (self.nullable, sandbox.attempt(&draft.with(&column.name, Value::Null).sql())?) {
            (true, Attempt::Accepted) => Ok(()),
            // Identity and generated columns reject any value, including NULL, before NOT NULL is checked.
            (nullable, Attempt::Refused(r)) if r.sqlstate == "428C9" => {
                if column.not_null == nullable {
                    Err(refuted(format!("its values are made by PostgreSQL, and NOT NULL is {}", column.not_null)))
                } else {
                    Ok(())
                }
            }
            (true, Attempt::Refused(_))
                if RowGenerator::completes(sandbox, &self.at.table, &column.name, Value::Null)? =>
            {
                Ok(())
            }
            (true, Attempt::Refused(refusal)) => Err(refuted(format!("NULL was rejected with {}", refusal.brief()))),
            (false, Attempt::Accepted) => Err(refuted("NULL was accepted: the column has no NOT NULL constraint")),
            // not_null_violation; a CHECK that also refuses NULL is no NOT NULL.
            (false, Attempt::Refused(r)) if r.sqlstate == "23502" && r.column.as_deref() == Some(&column.name) => {
                Ok(())
            }
            // A NOT NULL domain does not name the column.
            (false, Attempt::Refused(r))
                if r.sqlstate == "23502" && r.column.is_none() && column.ty.domain.is_some() =>
            {
                Ok(())
            }
            (false, Attempt::Refused(refusal)) => {
                Err(refuted(format!("NULL was rejected, but not by NOT NULL: {}", refusal.brief())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_domain_and_a_rule_over_several_columns_are_understood() {
        let mut db = scratch(
            "CREATE DOMAIN must AS int NOT NULL;
             CREATE TABLE t (a must, b text, c text, CHECK (num_nonnulls(b, c) = 1), d int GENERATED ALWAYS AS (1) STORED)",
        );
        proven(&mut db, table("t").column("a").is_not_null());
        proven(&mut db, table("t").column("b").is_nullable());
        proven(&mut db, table("t").column("c").is_nullable());
        proven(&mut db, table("t").column("d").is_nullable());
    }

    #[test]
    fn null_is_tried() {
        let mut db = scratch("CREATE TABLE t (a int NOT NULL, b int, c int CHECK (c IS NOT NULL))");
        proven(&mut db, table("t").column("a").is_not_null());
        proven(&mut db, table("t").column("b").is_nullable());
        insta::assert_snapshot!(refuted(&mut db, table("t").column("a").is_nullable()), @"
        refuted: column t.a accepts NULL
          NULL was rejected with 23502 not_null_violation on column a
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("b").is_not_null()), @"
        refuted: column t.b rejects NULL
          NULL was accepted: the column has no NOT NULL constraint
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("c").is_not_null()), @"
        refuted: column t.c rejects NULL
          NULL was rejected, but not by NOT NULL: 23514 check_violation by t_c_check
        ");
    }
}
