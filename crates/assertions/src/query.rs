//! What a query gives, and which indexes its plan uses. Begins here, at [`query`].

use pgproof_runner::session::shortened;
use pgproof_runner::{DatabaseError, Sandbox};

use crate::assertion::{Assertion, Failure, Subject, refuted};
use crate::plan::{PlanClaim, PlannedQuery, WorkloadQuery};

/// Begins a sentence about a query.
pub fn query(sql: impl Into<String>) -> QueryRef {
    QueryRef { sql: sql.into() }
}

/// A query that something will be said of.
#[derive(Debug, Clone)]
pub struct QueryRef {
    sql: String,
}

impl QueryRef {
    /// It gives this one value, in its text form.
    pub fn returns(self, value: impl Into<String>) -> Returns {
        Returns { sql: self.sql, value: value.into() }
    }

    /// Its plan uses this index, and would be another without it.
    pub fn uses_index(self, index: impl Into<String>) -> PlanClaim {
        self.planned().uses_index(index)
    }

    /// Its plan finds the rows of this table through indexes only.
    pub fn uses_only_indexes_of(self, table: impl Into<String>) -> PlanClaim {
        self.planned().uses_only_indexes_of(table)
    }

    /// Its plan never reads this table whole.
    pub fn never_scans(self, table: impl Into<String>) -> PlanClaim {
        self.planned().never_scans(table)
    }

    /// Its plan sorts nothing.
    pub fn no_sort(self) -> PlanClaim {
        self.planned().no_sort()
    }

    /// Its plan reads this index and not the table.
    pub fn index_only(self, index: impl Into<String>) -> PlanClaim {
        self.planned().index_only(index)
    }

    fn planned(self) -> PlannedQuery {
        PlannedQuery::new(WorkloadQuery::unnamed(self.sql), None)
    }
}

/// A query gives one value.
#[derive(Debug, Clone)]
pub struct Returns {
    sql: String,
    value: String,
}

impl Assertion for Returns {
    fn subject(&self) -> Subject {
        Subject { kind: "query", name: shortened(&self.sql), object: None }
    }

    fn sentence(&self) -> String {
        format!("returns {}", self.value)
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let found = sandbox.value(&self.sql).map_err(failing)?.unwrap_or_else(|| "NULL, or no row".to_owned());
        if found == self.value { Ok(()) } else { Err(refuted(format!("it returns {found}"))) }
    }
}

/// A query that PostgreSQL refuses refutes what is said of it: a table or column that it needs is not there.
pub(crate) fn failing(error: DatabaseError) -> Failure {
    match error.reported() {
        Some(report) => refuted(format!("it fails with {}: {}", report.condition(), report.message)),
        None => Failure::Database(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{proven, refuted, scratch};

    #[test]
    fn a_query_returns_a_value() {
        let mut db = scratch("");
        proven(&mut db, query("SELECT 1 + 1").returns("2"));
        insta::assert_snapshot!(refuted(&mut db, query("SELECT 1 + 1").returns("3")), @"
        refuted: query SELECT 1 + 1 returns 3
          it returns 2
        ");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT a FROM nowhere").returns("3")), @"
        refuted: query SELECT a FROM nowhere returns 3
          it fails with 42P01 undefined_table: relation \"nowhere\" does not exist
        ");
    }
}
