//! Tables: that they exist, and that there are no others. The families of `column`, `primary_key` and so on cover their
//! contents: each adds its sentences to [`TableRef`].

use std::fmt;

use pgproof_runner::Sandbox;
use pgproof_sql::{Identifier, ObjectId, Property, QualifiedName};

use crate::pin::Pin;
use crate::pin::looked_at;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::listed, assertion::refuted};
use pgproof_catalog::{Catalog, Relation};

/// Begins a sentence about a table: `name`, or `schema.name`.
pub fn table(name: impl Into<QualifiedName>) -> TableRef {
    TableRef { name: name.into() }
}

/// Begins a sentence about a set of tables.
pub fn tables<T: Into<QualifiedName>>(names: impl IntoIterator<Item = T>) -> Tables {
    Tables { names: names.into_iter().map(Into::into).collect() }
}

/// A table, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct TableRef {
    pub(crate) name: QualifiedName,
}

impl TableRef {
    /// The name that the sentence began with, for sentences of your own.
    pub fn name(&self) -> &QualifiedName {
        &self.name
    }

    /// It exists, and a query can read it.
    pub fn exists(self) -> TableExists {
        TableExists { name: self.name }
    }

    /// It has these columns and no others, in this order.
    pub fn has_columns<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> HasColumns {
        HasColumns { table: self.name, columns: columns.into_iter().map(Into::into).collect() }
    }
}

/// A table exists.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct TableExists {
    name: QualifiedName,
}

impl Assertion for TableExists {
    fn subject(&self) -> Subject {
        Subject::table(&self.name)
    }

    fn sentence(&self) -> String {
        "exists".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::acted_out(self.subject().object, Property::Existence)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = find(&catalog, &self.name)?;
        sandbox.run(&format!("SELECT FROM {} LIMIT 1", relation.sql()))?;
        Ok(())
    }
}

/// A table has exactly these columns.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct HasColumns {
    table: QualifiedName,
    columns: Vec<String>,
}

impl Assertion for HasColumns {
    fn subject(&self) -> Subject {
        Subject::table(&self.table)
    }

    fn sentence(&self) -> String {
        format!("has exactly the columns {}", listed(&self.columns))
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let column = |name: &String| ObjectId::column(&self.table, Identifier::new(name));
        let pins = |name| looked_at(&column(name), &[Property::Existence, Property::Position]);
        self.columns.iter().flat_map(pins).collect()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let found: Vec<_> = find(&catalog, &self.table)?.columns.iter().map(|column| column.name.clone()).collect();
        let missing: Vec<_> = self.columns.iter().filter(|name| !found.contains(name)).collect();
        let extra: Vec<_> = found.iter().filter(|name| !self.columns.contains(name)).collect();
        if !missing.is_empty() || !extra.is_empty() {
            return Err(refuted(differing(&missing, &extra)));
        }
        if found == self.columns { Ok(()) } else { Err(refuted(format!("the order is {}", listed(found)))) }
    }
}

/// A set of tables, the subject of a sentence.
#[derive(Debug, Clone)]
pub struct Tables {
    names: Vec<QualifiedName>,
}

impl Tables {
    /// The schema has these tables and no others. Partitions count as tables.
    pub fn are_all(self) -> ExactlyTables {
        ExactlyTables { names: self.names }
    }
}

/// The schema has exactly these tables.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct ExactlyTables {
    names: Vec<QualifiedName>,
}

impl Assertion for ExactlyTables {
    fn subject(&self) -> Subject {
        Subject::database("schema tables")
    }

    fn sentence(&self) -> String {
        format!("are exactly these {}: {}", self.names.len(), listed(&self.names))
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        self.names.iter().map(|name| Pin::looked_at(ObjectId::table(name), Property::Existence)).collect()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let found: Vec<QualifiedName> = catalog.tables().map(|table| catalog.shown(&table.qualified_name())).collect();
        let missing: Vec<_> = self.names.iter().filter(|name| catalog.table(name).is_none()).collect();
        let expected: Vec<QualifiedName> = self
            .names
            .iter()
            .filter_map(|name| catalog.table(name))
            .map(|t| catalog.shown(&t.qualified_name()))
            .collect();
        let extra: Vec<_> = found.iter().filter(|name| !expected.contains(name)).collect();
        if missing.is_empty() && extra.is_empty() {
            return Ok(());
        }
        Err(refuted(differing(&missing, &extra)))
    }
}

/// The missing and the unexpected names, in one line.
fn differing<T: fmt::Display>(missing: &[&T], extra: &[&T]) -> String {
    let part = |label: &str, names: &[&T]| (!names.is_empty()).then(|| format!("{label}: {}", listed(names)));
    [part("missing", missing), part("not expected", extra)].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The table with this name, or a refutation if it does not exist.
pub fn find<'a>(catalog: &'a Catalog, name: &QualifiedName) -> Result<&'a Relation, Failure> {
    catalog.table(name).ok_or_else(|| {
        refuted(match catalog.relation(name) {
            Some(other) => format!("{name} is a {}, not a table", other.id().kind()),
            None => format!("table {name} does not exist"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_table_exists() {
        let mut db = scratch("CREATE TABLE a (); CREATE VIEW v AS SELECT 1;");
        proven(&mut db, table("a").exists());
        proven(&mut db, table("public.a").exists());
        insta::assert_snapshot!(refuted(&mut db, table("b").exists()), @"
        refuted: table b exists
          table b does not exist
        ");
        insta::assert_snapshot!(refuted(&mut db, table("v").exists()), @"
        refuted: table v exists
          v is a view, not a table
        ");
    }

    #[test]
    fn a_table_has_exactly_these_columns() {
        let mut db = scratch("CREATE TABLE t (a int, b int)");
        proven(&mut db, table("t").has_columns(["a", "b"]));
        insta::assert_snapshot!(refuted(&mut db, table("t").has_columns(["b", "a"])), @"
        refuted: table t has exactly the columns b, a
          the order is a, b
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").has_columns(["a", "c"])), @"
        refuted: table t has exactly the columns a, c
          missing: c; not expected: b
        ");
    }

    #[test]
    fn these_are_all_tables() {
        let mut db = scratch("CREATE TABLE a (); CREATE TABLE b (); CREATE SCHEMA s; CREATE TABLE s.c ();");
        proven(&mut db, tables(["public.a", "b", "s.c"]).are_all());
        insta::assert_snapshot!(refuted(&mut db, tables(["a", "d"]).are_all()), @"
        refuted: schema tables are exactly these 2: a, d
          missing: d; not expected: b, s.c
        ");
    }
}
