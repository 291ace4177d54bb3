//! The value of a column that a row omits, proven by inserting such a row.

use pgproof_runner::Sandbox;
use pgproof_server::Attempt;
use pgproof_sql::Property;

use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::{Catalog, Generation};
use pgproof_catalog::{row::RowGenerator, row::Value};

impl ColumnRef {
    /// A row that omits it gets the value of this expression.
    pub fn defaults_to(self, expression: impl Into<String>) -> DefaultsTo {
        DefaultsTo { at: self, expression: expression.into() }
    }

    /// A row that omits it gets NULL or is rejected.
    pub fn has_no_default(self) -> HasNoDefault {
        HasNoDefault { at: self }
    }
}

/// A row that omits the column gets the value of an expression.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct DefaultsTo {
    pub(crate) at: ColumnRef,
    pub(crate) expression: String,
}

impl Assertion for DefaultsTo {
    fn subject(&self) -> Subject {
        self.at.subject()
    }

    fn sentence(&self) -> String {
        format!("defaults to {}", self.expression)
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::acted_out(self.at.subject().object, Property::Default)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let (relation, column) = self.at.find(&catalog)?;
        let Some(default) = &column.default else { return Err(refuted("it has no default")) };
        let mut generator = RowGenerator::of(sandbox)?;
        let draft = generator.draft(sandbox, &self.at.table, &[(&column.name, Value::Default)])?;
        let found = draft.insert(sandbox)?;
        // now() and similar functions are constant within the transaction, so the two agree; a volatile default, such
        // as a random value or a sequence, differs each time, so only its expression can be compared.
        let ty = &column.ty.name;
        let again = sandbox.value(&format!("SELECT (({default})::{ty})::text"))?;
        if found.value(&column.name) != again.as_deref() {
            return if *default == self.expression && found.value(&column.name).is_some() {
                Ok(())
            } else {
                Err(refuted(format!("its default is {default}")))
            };
        }
        let expected = sandbox.value(&format!("SELECT (({})::{ty})::text", self.expression))?;
        if expected.as_deref() == found.value(&column.name) {
            return Ok(());
        }
        let found = found.value(&column.name).unwrap_or("NULL");
        let table = catalog.shown(&relation.qualified_name());
        Err(refuted(format!("a row of {table} that leaves it out gets {found} (default {default})")))
    }
}

/// A row that omits the column gets NULL or is rejected.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct HasNoDefault {
    pub(crate) at: ColumnRef,
}

impl Assertion for HasNoDefault {
    fn subject(&self) -> Subject {
        self.at.subject()
    }

    fn sentence(&self) -> String {
        "has no default".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::acted_out(self.at.subject().object, Property::Default)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let (_, column) = self.at.find(&catalog)?;
        if column.generation != Generation::None {
            return Err(refuted(format!("its values are made by PostgreSQL: {:?}", column.generation)));
        }
        if let Some(default) = &column.default {
            return Err(refuted(format!("its default is {default}")));
        }
        let draft = RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[])?;
        let without = draft.with(&column.name, Value::Default);
        // A domain may have a default too, so the row is tried anyway.
        if let Attempt::Refused(refusal) = sandbox.attempt(&without.sql())? {
            return if refusal.sqlstate == "23502" {
                Ok(())
            } else {
                Err(refuted(format!("a row that leaves it out was rejected with {}", refusal.brief())))
            };
        }
        match without.insert(sandbox)?.value(&column.name) {
            None => Ok(()),
            Some(value) => Err(refuted(format!("a row that leaves it out gets {value}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_row_without_the_column_gets_the_default() {
        let mut db = scratch(
            "CREATE TABLE t (a int DEFAULT 1 + 1, b timestamptz DEFAULT now(), c uuid DEFAULT gen_random_uuid(), d int, \
             e int NOT NULL, f text DEFAULT 'x')",
        );
        proven(&mut db, table("t").column("a").defaults_to("2"));
        proven(&mut db, table("t").column("b").defaults_to("now()"));
        proven(&mut db, table("t").column("c").defaults_to("gen_random_uuid()"));
        proven(&mut db, table("t").column("d").has_no_default());
        proven(&mut db, table("t").column("e").has_no_default());
        insta::assert_snapshot!(refuted(&mut db, table("t").column("a").defaults_to("3")), @"
        refuted: column t.a defaults to 3
          a row of t that leaves it out gets 2 (default (1 + 1))
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("c").defaults_to("uuid_nil()")), @"
        refuted: column t.c defaults to uuid_nil()
          its default is gen_random_uuid()
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("d").defaults_to("1")), @"
        refuted: column t.d defaults to 1
          it has no default
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("f").has_no_default()), @"
        refuted: column t.f has no default
          its default is 'x'::text
        ");
    }
}
