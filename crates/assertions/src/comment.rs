//! Comments on tables and columns.

use pgproof_runner::Sandbox;
use pgproof_sql::{Property, QualifiedName};

use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use crate::{table::TableRef, table::find};
use pgproof_catalog::Catalog;

impl ColumnRef {
    /// It has a comment.
    pub fn has_comment(self) -> HasComment {
        HasComment::on_column(self.table, self.column)
    }
}

impl TableRef {
    /// It has a comment.
    pub fn has_comment(self) -> HasComment {
        HasComment::on_table(self.name)
    }
}

/// A table or a column has a comment.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct HasComment {
    table: QualifiedName,
    column: Option<String>,
    text: Option<String>,
}

impl HasComment {
    pub(crate) fn on_table(table: QualifiedName) -> HasComment {
        HasComment { table, column: None, text: None }
    }

    pub(crate) fn on_column(table: QualifiedName, column: String) -> HasComment {
        HasComment { table, column: Some(column), text: None }
    }

    /// The comment has this text.
    pub fn reading(mut self, text: impl Into<String>) -> HasComment {
        self.text = Some(text.into());
        self
    }
}

impl Assertion for HasComment {
    fn subject(&self) -> Subject {
        match &self.column {
            Some(column) => Subject::column(&self.table, column),
            None => Subject::table(&self.table),
        }
    }

    fn sentence(&self) -> String {
        match &self.text {
            Some(text) => format!("has the comment {text:?}"),
            None => "has a comment".to_owned(),
        }
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::looked_at(self.subject().object, Property::Comment)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let comment = match &self.column {
            Some(column) => {
                let at = ColumnRef { table: self.table.clone(), column: column.clone() };
                at.find(&catalog)?.1.comment.clone()
            }
            None => find(&catalog, &self.table)?.comment.clone(),
        };
        match (comment, &self.text) {
            (None, _) => Err(refuted("it has no comment")),
            (Some(found), Some(text)) if found != *text => Err(refuted(format!("its comment is {found:?}"))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn comments_are_read() {
        let mut db =
            scratch("CREATE TABLE t (a int, b int); COMMENT ON TABLE t IS 'things'; COMMENT ON COLUMN t.a IS 'one'");
        proven(&mut db, table("t").has_comment().reading("things"));
        proven(&mut db, table("t").column("a").has_comment());
        insta::assert_snapshot!(refuted(&mut db, table("t").column("b").has_comment()), @"
        refuted: column t.b has a comment
          it has no comment
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("a").has_comment().reading("two")), @r#"
        refuted: column t.a has the comment "two"
          its comment is "one"
        "#);
    }
}
