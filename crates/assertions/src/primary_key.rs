//! A primary key, proven by rejecting NULLs and a duplicate.

use pgproof_runner::Sandbox;
use pgproof_server::Attempt;
use pgproof_sql::{Property, QualifiedName};

use crate::declared::{Declared, Deferrable};
use crate::pin::Pin;
use crate::unique::refuses_duplicates;
use crate::{
    assertion::Assertion, assertion::Differences, assertion::Failure, assertion::Subject, assertion::listed,
    assertion::refuted,
};
use crate::{table::TableRef, table::find};
use pgproof_catalog::{Catalog, ConstraintKind};
use pgproof_catalog::{row::RowGenerator, row::Value};

impl TableRef {
    /// Its primary key is on these columns.
    pub fn primary_key<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> PrimaryKey {
        PrimaryKey::new(self.name, columns.into_iter().map(Into::into).collect())
    }
}

/// A table's primary key is on these columns.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct PrimaryKey {
    table: QualifiedName,
    columns: Vec<String>,
    name: Option<String>,
    declared: Declared,
}

impl PrimaryKey {
    pub(crate) fn new(table: QualifiedName, columns: Vec<String>) -> PrimaryKey {
        PrimaryKey {
            table,
            columns,
            name: None,
            declared: Declared::unless_said(&[(Property::Deferrable, Some("no"))]),
        }
    }

    /// The constraint has this name.
    pub fn named(mut self, name: impl Into<String>) -> PrimaryKey {
        self.name = Some(name.into());
        self
    }

    /// It can be checked at the end of the transaction.
    pub fn deferrable(mut self, deferrable: Deferrable) -> PrimaryKey {
        self.declared.say(Property::Deferrable, deferrable.text());
        self
    }
}

impl Assertion for PrimaryKey {
    fn subject(&self) -> Subject {
        Subject::constraint("primary key", &self.table, &self.columns, self.name.as_deref())
    }

    fn sentence(&self) -> String {
        format!("rejects NULLs and duplicates{}", self.declared.sentence())
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        let Some(relation) = catalog.table(&self.table) else { return Vec::new() };
        let key = catalog.constraints_of(relation).find(|c| c.kind == ConstraintKind::PrimaryKey);
        let Some(key) = key else { return Vec::new() };
        let acted = Pin::acted_out_both_ways(key.id(), Property::Definition);
        [acted].into_iter().chain(self.declared.pins(&key.id())).collect()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = find(&catalog, &self.table)?;
        let key = catalog.constraints_of(relation).find(|c| c.kind == ConstraintKind::PrimaryKey);
        let Some(key) = key else {
            return Err(refuted("the table has no primary key"));
        };
        if key.columns != self.columns {
            return Err(refuted(format!("{} is on ({})", key.name, listed(&key.columns))));
        }
        if let Some(name) = self.name.as_ref().filter(|name| **name != key.name) {
            return Err(refuted(format!("it is called {}, not {name}", key.name)));
        }
        let mut differences = Differences::default();
        self.declared.compare(&catalog, &key.id(), &mut differences);
        differences.verdict_on(key.id())?;
        for column in relation.columns.iter().filter(|c| key.columns.contains(&c.name)) {
            if !column.generation.is_insertable() {
                continue;
            }
            let draft = RowGenerator::of(sandbox)?.draft(sandbox, &self.table, &[])?;
            if let Attempt::Accepted = sandbox.attempt(&draft.with(&column.name, Value::Null).sql())? {
                return Err(refuted(format!("NULL was accepted in {}", column.name)));
            }
        }
        refuses_duplicates(sandbox, &self.table, &key.columns, &key.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_primary_key_refuses_nulls_and_duplicates() {
        let mut db = scratch(
            "CREATE TABLE t (a int, b text, PRIMARY KEY (a, b)); CREATE TABLE u (a int); \
             CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x text)",
        );
        proven(&mut db, table("t").primary_key(["a", "b"]).named("t_pkey"));
        proven(&mut db, table("i").primary_key(["id"]));
        insta::assert_snapshot!(refuted(&mut db, table("t").primary_key(["a"])), @"
        refuted: primary key t (a) rejects NULLs and duplicates
          t_pkey is on (a, b)
        ");
        insta::assert_snapshot!(refuted(&mut db, table("u").primary_key(["a"])), @"
        refuted: primary key u (a) rejects NULLs and duplicates
          the table has no primary key
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").primary_key(["a", "b"]).named("pk_t")), @"
        refuted: primary key t (a, b) rejects NULLs and duplicates
          it is called t_pkey, not pk_t
        ");
    }
}
