//! Columns: that they exist with a type. What a column accepts and defaults to, other families say; they begin here.

use pgproof_runner::Sandbox;

use crate::assertion::{Assertion, Failure, Subject, listed, refuted};
use crate::catalog::{Catalog, Column, Relation};
use crate::check_range::CheckRange;
use crate::check_set::CheckSet;
use crate::comment::HasComment;
use crate::default::{DefaultsTo, HasNoDefault};
use crate::document::HoldsDocuments;
use crate::nullability::Nullability;
use crate::table;

/// A column that something will be said of.
#[derive(Debug, Clone)]
pub struct ColumnRef {
    pub(crate) table: String,
    pub(crate) column: String,
}

impl ColumnRef {
    /// It has this type, as PostgreSQL prints it: `timestamp with time zone`, `numeric(12,2)`.
    pub fn has_type(self, ty: impl Into<String>) -> HasType {
        HasType { at: self, ty: ty.into() }
    }

    /// It refuses NULL.
    pub fn is_not_null(self) -> Nullability {
        Nullability::new(self, false)
    }

    /// It takes NULL.
    pub fn is_nullable(self) -> Nullability {
        Nullability::new(self, true)
    }

    /// A row that leaves it out gets the value of this expression.
    pub fn defaults_to(self, expression: impl Into<String>) -> DefaultsTo {
        DefaultsTo { at: self, expression: expression.into() }
    }

    /// A row that leaves it out gets NULL, or is refused.
    pub fn has_no_default(self) -> HasNoDefault {
        HasNoDefault { at: self }
    }

    /// It takes these values and no others; NULL as its nullability says.
    pub fn accepts_only<V: Into<String>>(self, values: impl IntoIterator<Item = V>) -> CheckSet {
        CheckSet::new(self, values.into_iter().map(Into::into).collect())
    }

    /// It takes this number and all above it, and none below.
    pub fn accepts_from(self, least: impl Into<String>) -> CheckRange {
        CheckRange::new(self, Some(least.into()), None)
    }

    /// It takes this number and all below it, and none above.
    pub fn accepts_up_to(self, most: impl Into<String>) -> CheckRange {
        CheckRange::new(self, None, Some(most.into()))
    }

    /// It takes the numbers from `least` to `most`, both included, and no others.
    pub fn accepts_between(self, least: impl Into<String>, most: impl Into<String>) -> CheckRange {
        CheckRange::new(self, Some(least.into()), Some(most.into()))
    }

    /// It takes valid JSON documents, gives them back equal, and refuses text that is no JSON.
    pub fn holds_documents(self) -> HoldsDocuments {
        HoldsDocuments { at: self }
    }

    /// It has a comment.
    pub fn has_comment(self) -> HasComment {
        HasComment::on_column(self.table, self.column)
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject::column(&self.table, &self.column)
    }

    /// Its table and itself in the catalog, or a refutation that one of them does not exist.
    pub(crate) fn find<'a>(&self, catalog: &'a Catalog) -> Result<(&'a Relation, &'a Column), Failure> {
        let relation = table::find(catalog, &self.table)?;
        let column = relation.column(&self.column).ok_or_else(|| {
            let columns = listed(relation.columns.iter().map(|column| &column.name));
            refuted(format!("the column does not exist; {} has {columns}", self.table))
        })?;
        Ok((relation, column))
    }
}

/// A column has a type.
#[derive(Debug, Clone)]
pub struct HasType {
    at: ColumnRef,
    ty: String,
}

impl Assertion for HasType {
    fn subject(&self) -> Subject {
        self.at.subject()
    }

    fn sentence(&self) -> String {
        format!("has type {}", self.ty)
    }

    fn is_behavioural(&self) -> bool {
        false
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let (_, column) = self.at.find(&catalog)?;
        if column.ty.name == self.ty {
            return Ok(());
        }
        Err(refuted(format!("it has type {}", column.ty.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::testing::{proven, refuted, scratch};

    #[test]
    fn a_column_has_a_type() {
        let mut db = scratch("CREATE TABLE t (price numeric(12,2))");
        proven(&mut db, table("t").column("price").has_type("numeric(12,2)"));
        insta::assert_snapshot!(refuted(&mut db, table("t").column("price").has_type("numeric")), @"
        refuted: column t.price has type numeric
          it has type numeric(12,2)
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("cost").has_type("numeric")), @"
        refuted: column t.cost has type numeric
          the column does not exist; t has price
        ");
    }
}
