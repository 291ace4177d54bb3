//! A query of which something will be said: the beginning of each claim about its plan.

use pgproof_assertions::query::QueryRef;
use pgproof_sql::QualifiedName;

use super::claim::{Claim, PlanClaim};
use super::sweep::FromRows;
use super::workload::WorkloadQuery;

/// Claims about the plan of a query: one that stands in the suite, or one of the workload's files.
pub trait PlanClaims: Sized {
    /// The query, with the role that it is planned as.
    fn planned(self) -> PlannedQuery;

    /// Its plan uses this index, and would be another without it.
    #[must_use]
    fn uses_index(self, index: impl Into<QualifiedName>) -> PlanClaim {
        self.planned().claim(Claim::UsesIndex(index.into()))
    }

    /// It finds the rows of this table through indexes only: no sequential scan of it.
    #[must_use]
    fn uses_only_indexes_of(self, table: impl Into<QualifiedName>) -> PlanClaim {
        self.planned().claim(Claim::UsesOnlyIndexesOf(table.into()))
    }

    /// It has no sequential scan of this table. Unlike `uses_only_indexes_of`, a plan that does not touch the table will do.
    #[must_use]
    fn never_scans(self, table: impl Into<QualifiedName>) -> PlanClaim {
        self.planned().claim(Claim::NeverScans(table.into()))
    }

    /// Its rows come in order without being sorted.
    #[must_use]
    fn no_sort(self) -> PlanClaim {
        self.planned().claim(Claim::NoSort)
    }

    /// It is answered from this index alone, without visiting the table.
    #[must_use]
    fn index_only(self, index: impl Into<QualifiedName>) -> PlanClaim {
        self.planned().claim(Claim::IndexOnly(index.into()))
    }

    /// Its plan uses this index for a range of sizes of this table, which begins with so many rows.
    #[must_use]
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

/// A query, and the role that it is planned as.
#[derive(Debug, Clone)]
#[must_use]
pub struct PlannedQuery {
    query: WorkloadQuery,
    role: Option<String>,
}

impl PlannedQuery {
    /// A query, planned as `role` where one is given.
    pub fn new(query: WorkloadQuery, role: Option<String>) -> PlannedQuery {
        PlannedQuery { query, role }
    }

    fn claim(self, claim: Claim) -> PlanClaim {
        PlanClaim::new(self.query, self.role, claim)
    }
}
