//! An index as it is in the catalog. `plan` covers that queries use it; `unique`, that it rejects duplicates.

use pgproof_runner::Sandbox;
use pgproof_sql::{ObjectId, Property, QualifiedName};

use crate::declared::Declared;
use crate::pin::Pin;
use crate::pin::looked_at;
use crate::{
    assertion::Assertion, assertion::Differences, assertion::Failure, assertion::Subject, assertion::listed,
    assertion::refuted_by,
};
use pgproof_catalog::Catalog;

/// Begins a sentence about an index.
pub fn index(name: impl Into<QualifiedName>) -> IndexRef {
    IndexRef { name: name.into() }
}

/// An index, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct IndexRef {
    name: QualifiedName,
}

impl IndexRef {
    /// It is on this table and these columns, in this order, each as written in CREATE INDEX: `created_at DESC`. Unless
    /// declared otherwise it is a plain B-tree index without storage parameters.
    pub fn on<C: Into<String>>(self, table: impl Into<QualifiedName>, keys: impl IntoIterator<Item = C>) -> IndexIs {
        IndexIs {
            name: self.name,
            table: table.into(),
            keys: keys.into_iter().map(Into::into).collect(),
            method: "btree".to_owned(),
            unique: false,
            predicate: None,
            include: Vec::new(),
            declared: Declared::unless_said(&[(Property::Options, None)]),
        }
    }
}

/// An index has a definition, and is valid.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct IndexIs {
    name: QualifiedName,
    table: QualifiedName,
    keys: Vec<String>,
    method: String,
    unique: bool,
    predicate: Option<String>,
    include: Vec<String>,
    declared: Declared,
}

impl IndexIs {
    /// It has these storage parameters, as in `fillfactor=70`, sorted and separated by commas.
    pub fn with(mut self, options: impl Into<String>) -> IndexIs {
        self.declared.say(Property::Options, options);
        self
    }

    /// Two NULLs count as duplicates (NULLS NOT DISTINCT, from PostgreSQL 15 on).
    pub fn nulls_not_distinct(mut self) -> IndexIs {
        self.declared.say(Property::NullsNotDistinct, "true");
        self
    }

    /// Its access method.
    pub fn method(mut self, method: impl Into<String>) -> IndexIs {
        self.method = method.into();
        self
    }

    /// It rejects duplicates; NULLs are none, unless declared otherwise.
    pub fn unique(mut self) -> IndexIs {
        self.unique = true;
        self.declared.say_quietly(Property::NullsNotDistinct, "false");
        self
    }

    /// It holds only the rows that satisfy this condition, as PostgreSQL prints it.
    pub fn only_where(mut self, predicate: impl Into<String>) -> IndexIs {
        self.predicate = Some(predicate.into());
        self
    }

    /// It includes these columns in addition to its keys.
    pub fn including<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> IndexIs {
        self.include = columns.into_iter().map(Into::into).collect();
        self
    }
}

impl Assertion for IndexIs {
    fn subject(&self) -> Subject {
        Subject::of(ObjectId::index(&self.name))
    }

    fn sentence(&self) -> String {
        let unique = if self.unique { "unique " } else { "" };
        let include =
            if self.include.is_empty() { String::new() } else { format!(" including {}", listed(&self.include)) };
        let only = self.predicate.as_ref().map(|predicate| format!(" where {predicate}")).unwrap_or_default();
        format!(
            "is a {unique}{} on {} ({}){include}{only}{}",
            self.method,
            self.table,
            listed(&self.keys),
            self.declared.sentence()
        )
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        let properties = [
            Property::Definition,
            Property::AccessMethod,
            Property::Keys,
            Property::Include,
            Property::Predicate,
            Property::Unique,
            Property::Valid,
        ];
        let pins = |id: &ObjectId| looked_at(id, &properties).into_iter().chain(self.declared.pins(id)).collect();
        catalog.index(&self.name).map(|index| pins(&index.id())).unwrap_or_default()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let Some(index) = catalog.index(&self.name) else {
            let others = catalog.table(&self.table).map(|t| listed(catalog.indexes_of(t).map(|i| &i.name)));
            let found = format!("it does not exist; {} has {}", self.table, others.unwrap_or("no table".to_owned()));
            return Err(refuted_by(ObjectId::table(&self.table), found));
        };
        let mut differences = Differences::default();
        let table = catalog.relation(&self.table).map(|table| catalog.shown(&table.qualified_name()));
        differences.compare(
            "its table",
            catalog.shown(&index.table_name()).to_string(),
            table.unwrap_or(self.table.clone()).to_string(),
        );
        differences.compare("its method", index.method.clone(), self.method.clone());
        // With collation and storage parameters of each key, where they are not the defaults.
        let keys = catalog.objects.property(&index.id(), Property::Keys).map(str::to_owned);
        differences.compare("its key", keys.unwrap_or_else(|| listed(&index.keys)), listed(&self.keys));
        self.declared.compare(&catalog, &index.id(), &mut differences);
        differences.compare("its INCLUDE", listed(&index.include), listed(&self.include));
        let text = |predicate: &Option<String>| predicate.clone().unwrap_or("none".to_owned());
        differences.compare("its predicate", text(&index.predicate), text(&self.predicate));
        if index.unique != self.unique {
            differences.tell(if index.unique { "it is unique" } else { "it is not unique" }.to_owned());
        }
        if !index.valid {
            differences.tell("it is INVALID: drop it and create it again".to_owned());
        }
        differences.verdict()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    const SCHEMA: &str = "CREATE TABLE t (a int, b text, c jsonb);
        CREATE INDEX plain ON t (a, b DESC);
        CREATE INDEX docs ON t USING gin (c jsonb_path_ops);
        CREATE UNIQUE INDEX part ON t (lower(b)) INCLUDE (a) WHERE a > 0;";

    #[test]
    fn an_index_has_its_definition() {
        let mut db = scratch(SCHEMA);
        proven(&mut db, index("plain").on("t", ["a", "b DESC"]));
        proven(&mut db, index("plain").on("public.t", ["a", "b DESC"]));
        proven(&mut db, index("docs").on("t", ["c jsonb_path_ops"]).method("gin"));
        proven(&mut db, index("part").on("t", ["lower(b)"]).unique().including(["a"]).only_where("(a > 0)"));
    }

    #[test]
    fn every_difference_is_named() {
        let mut db = scratch(SCHEMA);
        insta::assert_snapshot!(refuted(&mut db, index("plain").on("t", ["b DESC", "a"])), @"
        refuted: index plain is a btree on t (b DESC, a)
          its key is a, b DESC, not b DESC, a
        ");
        insta::assert_snapshot!(refuted(&mut db, index("part").on("t", ["lower(b)"])), @"
        refuted: index part is a btree on t (lower(b))
          its INCLUDE is a, not none
          its predicate is (a > 0), not none
          it is unique
        ");
        insta::assert_snapshot!(refuted(&mut db, index("docs").on("t", ["c jsonb_path_ops"])), @"
        refuted: index docs is a btree on t (c jsonb_path_ops)
          its method is gin, not btree
        ");
        insta::assert_snapshot!(refuted(&mut db, index("gone").on("t", ["a"])), @"
        refuted: index gone is a btree on t (a)
          it does not exist; t has docs, part, plain
        ");
        db.alter("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'plain'::regclass").unwrap();
        insta::assert_snapshot!(refuted(&mut db, index("plain").on("t", ["a", "b DESC"])), @"
        refuted: index plain is a btree on t (a, b DESC)
          it is INVALID: drop it and create it again
        ");
    }
}
