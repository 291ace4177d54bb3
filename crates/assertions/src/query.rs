//! The result of a query. `plan` adds assertions about its plan to [`QueryRef`].

use pgproof_catalog::Catalog;
use pgproof_runner::Sandbox;
use pgproof_server::session::shortened;
use pgproof_sql::{ObjectId, ObjectKind, Property};

use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::failing, assertion::refuted};

/// Begins a sentence about a query.
pub fn query(sql: impl Into<String>) -> QueryRef {
    QueryRef { sql: sql.into() }
}

/// A query, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct QueryRef {
    /// Its text.
    pub sql: String,
}

impl QueryRef {
    /// It returns this one value, in its text form.
    pub fn returns(self, value: impl Into<String>) -> Returns {
        Returns { sql: self.sql, value: value.into() }
    }
}

/// A query gives one value.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct Returns {
    sql: String,
    value: String,
}

impl Assertion for Returns {
    fn subject(&self) -> Subject {
        Subject::of(ObjectId::global(ObjectKind::Query, shortened(&self.sql)))
    }

    fn sentence(&self) -> String {
        format!("returns {}", self.value)
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::acted_out(self.subject().object, Property::Rows)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let rows = sandbox.rows(&self.sql).map_err(failing)?;
        match rows.as_slice() {
            [row] if row.len() == 1 => match row[0].as_deref() {
                Some(found) if found == self.value => Ok(()),
                found => Err(refuted(format!("it returns {}", found.unwrap_or("NULL")))),
            },
            rows => {
                let columns = rows.first().map_or(0, Vec::len);
                Err(refuted(format!("it returns {} rows of {columns} columns, not one value", rows.len())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_query_returns_a_value() {
        let mut db = scratch("");
        proven(&mut db, query("SELECT 1 + 1").returns("2"));
        insta::assert_snapshot!(refuted(&mut db, query("SELECT 1 + 1").returns("3")), @"
        refuted: query SELECT 1 + 1 returns 3
          it returns 2
        ");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT * FROM (VALUES (1), (1)) v").returns("1")), @"
        refuted: query SELECT * FROM (VALUES (1), (1)) v returns 1
          it returns 2 rows of 1 columns, not one value
        ");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT a FROM nowhere").returns("3")), @"
        refuted: query SELECT a FROM nowhere returns 3
          it fails with 42P01 undefined_table: relation \"nowhere\" does not exist
        ");
    }
}
