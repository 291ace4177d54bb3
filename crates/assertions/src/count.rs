//! The number of objects in a schema: the "15+ indexes" of a runbook.

use std::fmt;

use pgproof_runner::Sandbox;

use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::{Catalog, ConstraintKind};

/// Begins a sentence about the schema as a whole.
pub fn schema() -> SchemaRef {
    SchemaRef(())
}

/// The schema, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone, Copy)]
pub struct SchemaRef(());

impl SchemaRef {
    /// It has at least this many objects of a kind.
    pub fn has_at_least(self, least: usize, what: Counted) -> HasAtLeast {
        HasAtLeast { least, what }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Indexes, except those of constraints.
    Indexes,
    /// Foreign keys.
    ForeignKeys,
    /// Comments on tables and columns.
    Comments,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Counted::Indexes => "indexes",
            Counted::ForeignKeys => "foreign keys",
            Counted::Comments => "comments",
        })
    }
}

/// The schema has at least this many objects.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone, Copy)]
pub struct HasAtLeast {
    least: usize,
    what: Counted,
}

impl Assertion for HasAtLeast {
    fn subject(&self) -> Subject {
        Subject::database(format!("schema {}", self.what))
    }

    fn sentence(&self) -> String {
        format!("are at least {}", self.least)
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        // Adding or removing one object may go unnoticed.
        Vec::new()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let found = match self.what {
            Counted::Indexes => {
                let behind_constraint = |name: &str| catalog.constraints.iter().any(|c| c.name == name);
                catalog.indexes.iter().filter(|index| !behind_constraint(&index.name)).count()
            }
            Counted::ForeignKeys => catalog.constraints.iter().filter(|c| c.kind == ConstraintKind::ForeignKey).count(),
            Counted::Comments => {
                let of = |comment: &Option<String>| usize::from(comment.is_some());
                catalog
                    .relations
                    .iter()
                    .map(|r| of(&r.comment) + r.columns.iter().map(|c| of(&c.comment)).sum::<usize>())
                    .sum()
            }
        };
        if found >= self.least { Ok(()) } else { Err(refuted(format!("there are {found}"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn objects_are_counted() {
        let mut db = scratch(
            "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (p int REFERENCES p); CREATE INDEX ON t (p);
             COMMENT ON TABLE t IS 'x'",
        );
        for what in [Counted::Indexes, Counted::ForeignKeys, Counted::Comments] {
            proven(&mut db, schema().has_at_least(1, what));
        }
        insta::assert_snapshot!(refuted(&mut db, schema().has_at_least(2, Counted::Indexes)), @"
        refuted: schema indexes are at least 2
          there are 1
        ");
    }
}
