//! Whether a column accepts NULL, proven by inserting one.

use pgproof_runner::Sandbox;
use pgproof_server::SqlState;
use pgproof_sql::Property;

use crate::act::{Stored, store};
use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::problems::Problems;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::{Catalog, Column};
use pgproof_catalog::{row::RowError, row::RowGenerator, row::Value};

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
        let draft = match RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[]) {
            Ok(draft) => draft,
            Err(RowError::Database(error)) => return Err(error.into()),
            // Where no row can be made, the catalog answers; a domain's NOT NULL is not in it.
            Err(_) if column.ty.domain.is_none() || column.not_null => return self.looked_at(sandbox, column),
            Err(error) => return Err(error.into()),
        };
        match (self.nullable, store(sandbox, &draft.with(&column.name, Value::Null), &column.name)?) {
            (true, Stored::Value(None)) => Ok(()),
            (false, Stored::Value(None)) => Err(refuted("NULL was accepted: the column has no NOT NULL constraint")),
            // NOT NULL looks at what triggers leave (documentation, "Overview of Trigger Behavior").
            (_, Stored::Value(Some(value))) => match (self.looked_at(sandbox, column), self.nullable) {
                (Err(_), false) => Err(refuted(format!(
                    "a trigger stored {value} instead of NULL: the column has no NOT NULL constraint"
                ))),
                (verdict, _) => verdict,
            },
            (_, Stored::Nothing) => self.looked_at(sandbox, column),
            // Identity and generated columns reject any value, including NULL, before NOT NULL is checked.
            (nullable, Stored::Refused(r)) if r.has(&SqlState::GENERATED_ALWAYS) => {
                if column.not_null == nullable {
                    Err(refuted(format!("its values are made by PostgreSQL, and NOT NULL is {}", column.not_null)))
                } else {
                    Ok(())
                }
            }
            (true, Stored::Refused(_))
                if RowGenerator::completes(sandbox, &self.at.table, &column.name, Value::Null)? =>
            {
                Ok(())
            }
            (true, Stored::Refused(refusal)) => {
                let found = format!("NULL was rejected with {}", refusal.brief());
                let (relation, _) = self.at.find(&catalog)?;
                let mut problems = Problems::default();
                problems.blame(relation, &refusal);
                problems.tell(found);
                problems.verdict(self.at.subject().object)
            }
            // not_null_violation; a CHECK that also refuses NULL is no NOT NULL.
            (false, Stored::Refused(r))
                if r.has(&SqlState::NOT_NULL_VIOLATION) && r.column.as_deref() == Some(&column.name) =>
            {
                Ok(())
            }
            // A NOT NULL domain does not name the column.
            (false, Stored::Refused(r))
                if r.has(&SqlState::NOT_NULL_VIOLATION) && r.column.is_none() && column.ty.domain.is_some() =>
            {
                Ok(())
            }
            // A trigger that raises comes before the constraint.
            (false, Stored::Refused(_)) if column.not_null => self.looked_at(sandbox, column),
            (false, Stored::Refused(refusal)) => {
                Err(refuted(format!("NULL was rejected, but not by NOT NULL: {}", refusal.brief())))
            }
        }
    }
}

impl Nullability {
    /// What the catalog says, where NULL cannot be tried.
    fn looked_at(&self, sandbox: &Sandbox, column: &Column) -> Result<(), Failure> {
        sandbox.notes().looked_at();
        if column.not_null == self.nullable {
            let has = if column.not_null { "a" } else { "no" };
            return Err(refuted(format!("the column has {has} NOT NULL constraint")));
        }
        Ok(())
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
    fn a_trigger_may_fill_overwrite_or_take() {
        let mut db = scratch(
            "CREATE TABLE t (a int NOT NULL, b int);
             CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN NEW.a := coalesce(NEW.a, 1); NEW.b := coalesce(NEW.b, 2); RETURN NEW; END $$;
             CREATE TRIGGER fill BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fill();
             CREATE TABLE gone (a int NOT NULL, b int);
             CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
             CREATE TRIGGER nothing BEFORE INSERT ON gone FOR EACH ROW EXECUTE FUNCTION nothing();
             CREATE TABLE ruled (a int);
             CREATE RULE nothing AS ON INSERT TO ruled DO INSTEAD NOTHING;",
        );
        for name in ["t", "gone"] {
            proven(&mut db, table(name).column("a").is_not_null());
            proven(&mut db, table(name).column("b").is_nullable());
            refuted(&mut db, table(name).column("a").is_nullable());
        }
        insta::assert_snapshot!(refuted(&mut db, table("t").column("b").is_not_null()), @"
        refuted: column t.b rejects NULL
          a trigger stored 2 instead of NULL: the column has no NOT NULL constraint
        ");
        insta::assert_snapshot!(refuted(&mut db, table("gone").column("b").is_not_null()), @"
        refuted: column gone.b rejects NULL
          the column has no NOT NULL constraint
        ");
        insta::assert_snapshot!(refuted(&mut db, table("ruled").column("a").is_not_null()), @"
        refuted: column ruled.a rejects NULL
          the column has no NOT NULL constraint
        ");
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
