//! A sequence: its numbers, and the column that owns it.

use pgproof_catalog::Catalog;
use pgproof_runner::Sandbox;
use pgproof_sql::{ObjectId, ObjectKind, Property, QualifiedName};

use crate::assertion::{Assertion, Differences, Failure, Subject, refuted};
use crate::declared::Declared;
use crate::pin::Pin;

/// Begins a sentence about a sequence.
pub fn sequence(name: impl Into<QualifiedName>) -> SequenceRef {
    SequenceRef { name: name.into() }
}

/// A sequence, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct SequenceRef {
    name: QualifiedName,
}

impl SequenceRef {
    /// It returns numbers of this type, from 1 up to the type's largest, in steps of 1, and never the same one again; no
    /// column owns it. Each of this can be declared otherwise.
    pub fn counts(self, ty: impl Into<String>) -> SequenceIs {
        let ty = ty.into();
        let most = match ty.as_str() {
            "smallint" => i64::from(i16::MAX),
            "integer" => i64::from(i32::MAX),
            _ => i64::MAX,
        };
        let most = most.to_string();
        let declared = Declared::unless_said(&[
            (Property::Type, Some(&ty)),
            (Property::Start, Some("1")),
            (Property::Increment, Some("1")),
            (Property::Minimum, Some("1")),
            (Property::Maximum, Some(&most)),
            (Property::Cache, Some("1")),
            (Property::Cycle, Some("false")),
            (Property::OwnedBy, None),
        ]);
        SequenceIs { name: self.name, ty, declared }
    }
}

/// A sequence has a definition.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct SequenceIs {
    name: QualifiedName,
    ty: String,
    declared: Declared,
}

impl SequenceIs {
    /// Its first number.
    pub fn starts_at(mut self, number: i64) -> SequenceIs {
        self.declared.say(Property::Start, number.to_string());
        self
    }

    /// The distance between two numbers.
    pub fn in_steps_of(mut self, number: i64) -> SequenceIs {
        self.declared.say(Property::Increment, number.to_string());
        self
    }

    /// Its smallest and largest numbers.
    pub fn within(mut self, least: i64, most: i64) -> SequenceIs {
        self.declared.say(Property::Minimum, least.to_string());
        self.declared.say(Property::Maximum, most.to_string());
        self
    }

    /// After its last number it begins again.
    pub fn cycles(mut self) -> SequenceIs {
        self.declared.say(Property::Cycle, "true");
        self
    }

    /// A session takes this many numbers at once.
    pub fn caches(mut self, numbers: u64) -> SequenceIs {
        self.declared.say(Property::Cache, numbers.to_string());
        self
    }

    /// It is dropped with this column, named as `TABLE.COLUMN`.
    pub fn owned_by(mut self, column: impl Into<String>) -> SequenceIs {
        self.declared.say(Property::OwnedBy, column);
        self
    }
}

impl Assertion for SequenceIs {
    fn subject(&self) -> Subject {
        Subject::of(ObjectId::new(ObjectKind::Sequence, &self.name))
    }

    fn sentence(&self) -> String {
        format!("counts in {}{}", self.ty, self.declared.sentence())
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        find(catalog, &self.name).map(|object| self.declared.pins(&object).collect()).unwrap_or_default()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let Some(object) = find(&catalog, &self.name) else { return Err(refuted("it does not exist")) };
        let mut differences = Differences::default();
        self.declared.compare(&catalog, &object, &mut differences);
        differences.verdict()
    }
}

/// The sequence in the catalog, in its schema or found through the search path.
fn find(catalog: &Catalog, name: &QualifiedName) -> Option<ObjectId> {
    let object = ObjectId::new(ObjectKind::Sequence, name);
    let schemas = catalog.search_path.iter().map(|schema| object.clone().in_schema(schema));
    let candidates = if name.schema().is_some() { vec![object] } else { schemas.collect() };
    candidates.into_iter().find(|object| catalog.objects.contains(object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_sequence_has_its_range_and_its_column() {
        let mut db = scratch(
            "CREATE TABLE t (id int); CREATE SEQUENCE plain; CREATE SEQUENCE s AS integer START 10 INCREMENT 5 MAXVALUE 100 CYCLE CACHE 3 OWNED BY t.id;",
        );
        proven(&mut db, sequence("plain").counts("bigint"));
        let s = || sequence("s").counts("integer").starts_at(10).in_steps_of(5).within(1, 100).caches(3);
        proven(&mut db, s().cycles().owned_by("t.id"));
        insta::assert_snapshot!(refuted(&mut db, s().owned_by("t.id")), @"
        refuted: sequence s counts in integer, start 10, increment 5, minimum 1, maximum 100, cache 3, owned by t.id
          cycle of sequence s is true, not false
        ");
        insta::assert_snapshot!(refuted(&mut db, s().cycles()), @"
        refuted: sequence s counts in integer, start 10, increment 5, minimum 1, maximum 100, cache 3, cycle true
          owned by of sequence s is t.id, not none
        ");
        insta::assert_snapshot!(refuted(&mut db, sequence("none").counts("bigint")), @"
        refuted: sequence none counts in bigint
          it does not exist
        ");
    }
}
