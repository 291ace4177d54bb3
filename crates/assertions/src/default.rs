//! The value of a column that a row omits, proven by inserting such a row.

use pgproof_runner::Sandbox;
use pgproof_server::{DatabaseError, SqlState};
use pgproof_sql::Property;
use pgproof_sql::quote::{identifier, literal};

use crate::act::{Stored, store};
use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::{Catalog, Generation, Relation};
use pgproof_catalog::{row::RowError, row::RowGenerator, row::Value};

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
        // now() and similar functions are constant within the transaction, so the two agree; a volatile default, such
        // as a random value or a sequence, differs each time, so only its expression can be compared.
        let ty = &column.ty.name;
        let declared = sandbox.value(&format!("SELECT (({default})::{ty})::text"))?;
        let is_volatile = sandbox.value(&format!("SELECT (({default})::{ty})::text"))? != declared;
        let expected =
            if is_volatile { None } else { sandbox.value(&format!("SELECT (({})::{ty})::text", self.expression))? };
        if is_volatile && *default != self.expression && *default != self.canonical(sandbox, relation)? {
            return Err(refuted(format!("its default is {default}")));
        }
        if !is_volatile && declared != expected {
            let gets = declared.unwrap_or("NULL".to_owned());
            let table = catalog.shown(&relation.qualified_name());
            return Err(refuted(format!("a row of {table} that leaves it out gets {gets} (default {default})")));
        }
        // A row shows that the default is applied; where none can be made, or a trigger replaces it, the catalog answers.
        let draft = match RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[(&column.name, Value::Default)]) {
            Ok(draft) => draft,
            Err(RowError::Database(error)) => return Err(error.into()),
            Err(_) => {
                sandbox.notes().looked_at();
                return Ok(());
            }
        };
        match store(sandbox, &draft, &column.name)? {
            Stored::Value(stored) if is_volatile && stored.is_some() || stored == expected => {}
            _ => sandbox.notes().looked_at(),
        }
        Ok(())
    }
}

impl DefaultsTo {
    /// The expression as PostgreSQL prints it as a default.
    fn canonical(&self, sandbox: &mut Sandbox, relation: &Relation) -> Result<String, Failure> {
        let (table, column) = (relation.sql(), identifier(&self.at.column));
        let set = format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {}", self.expression);
        let printed = format!(
            "SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.adrelid, d.adnum)
             WHERE d.adrelid = {}::regclass AND a.attname = {}",
            literal(&table),
            literal(&self.at.column)
        );
        let found = sandbox.undone(|sandbox| {
            sandbox.run(&set)?;
            sandbox.value(&printed)
        });
        match found {
            Ok(printed) => Ok(printed.unwrap_or_default()),
            // PostgreSQL does not accept it as a default.
            Err(DatabaseError::Reported(_)) => Ok(String::new()),
            Err(error) => Err(error.into()),
        }
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
        let draft = match RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[]) {
            Ok(draft) => draft,
            Err(RowError::Database(error)) => return Err(error.into()),
            // A domain may have a default too; otherwise the catalog has answered.
            Err(error) if column.ty.domain.is_some() => return Err(error.into()),
            Err(_) => {
                sandbox.notes().looked_at();
                return Ok(());
            }
        };
        let without = draft.with(&column.name, Value::Default);
        match store(sandbox, &without, &column.name)? {
            Stored::Value(None) => Ok(()),
            Stored::Refused(refusal) if refusal.has(&SqlState::NOT_NULL_VIOLATION) => Ok(()),
            Stored::Value(Some(value)) if column.ty.domain.is_some() => {
                Err(refuted(format!("a row that leaves it out gets {value}")))
            }
            // A trigger fills the column, takes the row, or rejects it.
            Stored::Value(Some(_)) | Stored::Nothing | Stored::Refused(_) => {
                sandbox.notes().looked_at();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_trigger_that_fills_a_column_is_no_default() {
        let mut db = scratch(
            "CREATE TABLE t (a int, b int DEFAULT 5, c uuid DEFAULT gen_random_uuid());
             CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN NEW.a := 1; NEW.b := 2; NEW.c := NULL; RETURN NEW; END $$;
             CREATE TRIGGER fill BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fill();",
        );
        proven(&mut db, table("t").column("a").has_no_default());
        proven(&mut db, table("t").column("b").defaults_to("5"));
        proven(&mut db, table("t").column("c").defaults_to("gen_random_uuid ( )"));
        refuted(&mut db, table("t").column("b").defaults_to("2"));
        refuted(&mut db, table("t").column("b").has_no_default());
    }

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
