//! A query, the subject of each claim about its plan.

use pgproof_assertions::query::QueryRef;
use pgproof_sql::QualifiedName;

use super::claim::{Claim, PlanClaim};
use super::sweep::FromRows;
use super::workload::WorkloadQuery;

/// Claims about the plan of a query: one written in the suite, or one of the workload's files.
pub trait PlanClaims: Sized {
    /// The query, with the role for which it is planned.
    fn planned(self) -> PlannedQuery;

    /// Its plan uses this index, and would differ without it.
    fn uses_index(self, index: impl Into<QualifiedName>) -> PlanClaim {
        self.planned().claim(Claim::UsesIndex(index.into()))
    }

    /// It finds the rows of this table through indexes only, without a sequential scan of it.
    fn uses_only_indexes_of(self, table: impl Into<QualifiedName>) -> PlanClaim {
        self.planned().claim(Claim::UsesOnlyIndexesOf(table.into()))
    }

    /// It has no sequential scan of this table. Unlike `uses_only_indexes_of`, this accepts a plan that does not read
    /// the table.
    fn never_scans(self, table: impl Into<QualifiedName>) -> PlanClaim {
        self.planned().claim(Claim::NeverScans(table.into()))
    }

    /// Its rows are returned in order without a sort.
    fn no_sort(self) -> PlanClaim {
        self.planned().claim(Claim::NoSort)
    }

    /// It is answered from this index alone, without visiting the table.
    fn index_only(self, index: impl Into<QualifiedName>) -> PlanClaim {
        self.planned().claim(Claim::IndexOnly(index.into()))
    }

    /// Its plan uses this index for a range of sizes of this table, starting at this number of rows.
    fn uses_index_from(self, index: impl Into<QualifiedName>, table: impl Into<QualifiedName>, rows: u64) -> FromRows {
        let PlannedQuery { query, role } = self.planned();
        FromRows::new(query, role, index.into(), table.into(), rows)
    }
}

impl PlanClaims for QueryRef {
    fn planned(self) -> PlannedQuery {
        PlannedQuery::new(WorkloadQuery::unnamed(self.sql), None)
    }
}

impl PlanClaims for PlannedQuery {
    fn planned(self) -> PlannedQuery {
        self
    }
}

/// A query, and the role for which it is planned.
#[derive(Debug, Clone)]
#[must_use]
pub struct PlannedQuery {
    query: WorkloadQuery,
    role: Option<String>,
}

impl PlannedQuery {
    /// A query, planned as `role` if one is given.
    pub fn new(query: WorkloadQuery, role: Option<String>) -> PlannedQuery {
        PlannedQuery { query, role }
    }

    fn claim(self, claim: Claim) -> PlanClaim {
        PlanClaim::new(self.query, self.role, claim)
    }
}
