//! What a view is: its query and its columns. The query is compared as PostgreSQL prints it, so it may be written in any
//! way. `view` covers that it can be read and refreshed.

use pgproof_catalog::{Catalog, Relation};
use pgproof_runner::Sandbox;
use pgproof_sql::{ObjectId, Property};

use crate::assertion::{Assertion, Differences, Failure, Subject, failing, listed, refuted};
use crate::declared::Declared;
use crate::pin::{Pin, looked_at};
use crate::printed::same_query;
use crate::view::ViewRef;

impl ViewRef {
    /// It returns what this query returns. Unless declared otherwise it is no security barrier.
    pub fn is_defined_as(self, query: impl Into<String>) -> ViewIs {
        let declared = Declared::unless_said(&[(Property::Options, None)]);
        ViewIs { at: self, query: query.into(), declared }
    }

    /// It has exactly these columns, in this order.
    pub fn has_columns<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> ViewColumns {
        ViewColumns { at: self, columns: columns.into_iter().map(Into::into).collect() }
    }
}

/// A view has a definition.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct ViewIs {
    at: ViewRef,
    query: String,
    declared: Declared,
}

impl ViewIs {
    /// It has these options, sorted and separated by commas: `security_barrier=true, security_invoker=true`.
    pub fn with(mut self, options: impl Into<String>) -> ViewIs {
        self.declared.say(Property::Options, options);
        self
    }
}

impl Assertion for ViewIs {
    fn subject(&self) -> Subject {
        Subject::of(self.at.object())
    }

    fn sentence(&self) -> String {
        format!("is {}{}", on_one_line(&self.query), self.declared.sentence())
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let object = self.subject().object;
        looked_at(&object, &[Property::Definition]).into_iter().chain(self.declared.pins(&object)).collect()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = self.at.find(&catalog)?;
        let object = relation.id();
        let found = catalog.objects.property(&object, Property::Definition).unwrap_or_default();
        let mut differences = Differences::default();
        if !same_query(sandbox, found, &self.query)? {
            // A query that PostgreSQL rejects is the author's mistake, and its error says which.
            sandbox
                .undone(|sandbox| sandbox.run(&format!("SELECT FROM ({}) AS q", self.query.trim_end_matches(';'))))
                .map_err(failing)?;
            differences.tell(format!("it is {}", on_one_line(found)));
        }
        self.declared.compare(&catalog, &object, &mut differences);
        differences.verdict()
    }
}

fn on_one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A view has exactly these columns.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct ViewColumns {
    at: ViewRef,
    columns: Vec<String>,
}

impl Assertion for ViewColumns {
    fn subject(&self) -> Subject {
        Subject::of(self.at.object())
    }

    fn sentence(&self) -> String {
        format!("has exactly the columns {}", listed(&self.columns))
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        let relation = self.at.find(catalog).ok();
        let column = |column: &String| {
            let name = relation.map(Relation::qualified_name)?;
            Some(Pin::looked_at(ObjectId::column(&name, column.as_str()), Property::Existence))
        };
        self.columns.iter().filter_map(column).collect()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = self.at.find(&catalog)?;
        let found: Vec<&String> = relation.columns.iter().map(|column| &column.name).collect();
        if found == self.columns.iter().collect::<Vec<_>>() {
            return Ok(());
        }
        Err(refuted(format!("it has {}", listed(found))))
    }
}

#[cfg(test)]
mod tests {
    use crate::view::{materialized_view, view};
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_view_is_its_query() {
        let mut db = scratch(
            "CREATE TABLE t (a int, b text);
             CREATE VIEW v AS SELECT a, b FROM t WHERE a > 0; CREATE VIEW empty AS SELECT a, b FROM t WHERE a > 0 AND false;
             CREATE VIEW shut WITH (security_barrier) AS SELECT a FROM t;
             CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM t;",
        );
        proven(&mut db, view("v").is_defined_as("select t.a, t.b from t where t.a > 0;"));
        proven(&mut db, view("v").has_columns(["a", "b"]));
        proven(&mut db, view("shut").is_defined_as("SELECT a FROM t").with("security_barrier=true"));
        proven(&mut db, materialized_view("m").is_defined_as("SELECT count(*) AS n FROM t"));
        insta::assert_snapshot!(refuted(&mut db, view("empty").is_defined_as("SELECT a, b FROM t WHERE a > 0")), @"
        refuted: view empty is SELECT a, b FROM t WHERE a > 0
          it is SELECT t.a, t.b FROM t WHERE ((t.a > 0) AND false);
        ");
        insta::assert_snapshot!(refuted(&mut db, view("shut").is_defined_as("SELECT a FROM t")), @"
        refuted: view shut is SELECT a FROM t
          options of view shut is security_barrier=true, not none
        ");
        insta::assert_snapshot!(refuted(&mut db, view("v").is_defined_as("SELECT c FROM t")), @r#"
        refuted: view v is SELECT c FROM t
          it fails with 42703 undefined_column: column "c" does not exist
        "#);
        insta::assert_snapshot!(refuted(&mut db, view("v").has_columns(["b", "a"])), @"
        refuted: view v has exactly the columns b, a
          it has a, b
        ");
        insta::assert_snapshot!(refuted(&mut db, view("m").has_columns(["n"])), @"
        refuted: view m has exactly the columns n
          it does not exist
        ");
    }
}
