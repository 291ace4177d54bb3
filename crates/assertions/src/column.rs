//! Columns: that they exist with a type. Other families cover the values a column accepts and its default: each adds
//! its sentences to [`ColumnRef`].

use pgproof_runner::Sandbox;
use pgproof_sql::{Identifier, ObjectId, Property, QualifiedName};

use crate::declared::Declared;
use crate::pin::Pin;
use crate::{
    assertion::Assertion, assertion::Differences, assertion::Failure, assertion::Subject, assertion::listed,
    assertion::refuted, assertion::refuted_by,
};
use crate::{table, table::TableRef};
use pgproof_catalog::{Catalog, Column, Constraint, ConstraintKind, Relation};

impl TableRef {
    /// Begins a sentence about one of its columns.
    pub fn column(self, column: impl Into<String>) -> ColumnRef {
        ColumnRef { table: self.name, column: column.into() }
    }
}

/// A column, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct ColumnRef {
    pub(crate) table: QualifiedName,
    pub(crate) column: String,
}

impl ColumnRef {
    /// The name of its table, for sentences of your own.
    pub fn table(&self) -> &QualifiedName {
        &self.table
    }

    /// The name that the sentence began with, for sentences of your own.
    pub fn name(&self) -> &str {
        &self.column
    }

    /// It has this type, as PostgreSQL prints it: `timestamp with time zone`, `numeric(12,2)`. Unless declared
    /// otherwise it has the type's own collation.
    pub fn has_type(self, ty: impl Into<String>) -> HasType {
        HasType { at: self, ty: ty.into(), declared: Declared::unless_said(&[(Property::Collation, None)]) }
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject::column(&self.table, &self.column)
    }

    /// The pins of an assertion that acts a CHECK out on the column: the one of this name, else those on it alone.
    pub(crate) fn pins_of_check(&self, catalog: &Catalog, constraint: Option<&str>) -> Vec<Pin> {
        let Some(relation) = catalog.table(&self.table) else { return Vec::new() };
        let checks = catalog.constraints_of(relation).filter(|c| c.kind == ConstraintKind::Check);
        let decides = |check: &&Constraint| match constraint {
            Some(name) => check.name == name,
            None => check.columns == [self.column.clone()],
        };
        checks
            .filter(decides)
            .flat_map(|c| {
                [Pin::acted_out_both_ways(c.id(), Property::Expression), Pin::looked_at(c.id(), Property::Validated)]
            })
            .collect()
    }

    /// Refutes if such a CHECK does not hold for rows that were there before it, or is not enforced.
    pub(crate) fn demand_valid(&self, catalog: &Catalog, constraint: Option<&str>) -> Result<(), Failure> {
        for pin in self.pins_of_check(catalog, constraint) {
            let is_false = |property| catalog.objects.property(&pin.object, property) == Some("false");
            let problem = if is_false(Property::Enforced) {
                "is NOT ENFORCED"
            } else if is_false(Property::Validated) {
                "is NOT VALID: older rows may violate it"
            } else {
                continue;
            };
            return Err(refuted_by(pin.object.clone(), format!("{} {problem}", pin.object)));
        }
        Ok(())
    }

    /// Its table and itself in the catalog, or a refutation if one of them does not exist.
    pub fn find<'a>(&self, catalog: &'a Catalog) -> Result<(&'a Relation, &'a Column), Failure> {
        let relation = table::find(catalog, &self.table)?;
        let column = relation.column(&self.column).ok_or_else(|| {
            let columns = listed(relation.columns.iter().map(|column| &column.name));
            refuted(format!("the column does not exist; {} has {columns}", self.table))
        })?;
        Ok((relation, column))
    }
}

/// A column has a type.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct HasType {
    at: ColumnRef,
    ty: String,
    declared: Declared,
}

impl HasType {
    /// It has this collation, as PostgreSQL prints it: `"C"`.
    pub fn collated(mut self, collation: impl Into<String>) -> HasType {
        self.declared.say(Property::Collation, collation);
        self
    }
}

impl Assertion for HasType {
    fn subject(&self) -> Subject {
        self.at.subject()
    }

    fn sentence(&self) -> String {
        format!("has type {}{}", self.ty, self.declared.sentence())
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let column = self.at.subject().object;
        [Pin::looked_at(column.clone(), Property::Type)].into_iter().chain(self.declared.pins(&column)).collect()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let (relation, column) = self.at.find(&catalog)?;
        if column.ty.name != self.ty {
            return Err(refuted(format!("it has type {}", column.ty.name)));
        }
        let object = ObjectId::column(&relation.qualified_name(), Identifier::new(&column.name));
        let mut differences = Differences::default();
        self.declared.compare(&catalog, &object, &mut differences);
        differences.verdict()
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

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
