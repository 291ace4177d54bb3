//! Claims about the plan of a query: the indexes it uses, and the tables for which it must have no sequential scan. A
//! claim holds for the example parameters and for any parameters, unless declared otherwise. A refutation names the
//! node that violates it.

use pgproof_sql::{ObjectId, ObjectKind, Property, QualifiedName};
use std::collections::HashSet;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_server::session::shortened;
use pgproof_sql::quote::literal;

use super::Node;
use super::explain::Mode;
use super::workload::WorkloadQuery;
use pgproof_assertions::pin::Pin;
use pgproof_assertions::table::find;
use pgproof_assertions::{
    assertion::Assertion, assertion::Failure, assertion::Subject, assertion::failing, assertion::refuted_by,
};
use pgproof_catalog::{Catalog, Relation, family};

/// The content of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It uses this index, and depends on it.
    UsesIndex(QualifiedName),
    /// It reads this table through indexes only.
    UsesOnlyIndexesOf(QualifiedName),
    /// It has no sequential scan of this table.
    NeverScans(QualifiedName),
    /// It needs no sort.
    NoSort,
    /// It reads this index without its table, and depends on it.
    IndexOnly(QualifiedName),
}

/// A claim about the plan of a query.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct PlanClaim {
    query: WorkloadQuery,
    role: Option<String>,
    claim: Claim,
    custom_only: bool,
}

impl PlanClaim {
    pub(super) fn new(query: WorkloadQuery, role: Option<String>, claim: Claim) -> PlanClaim {
        PlanClaim { query, role, claim, custom_only: false }
    }

    /// It holds for the example parameters only: a partial index, for example, cannot serve all parameters.
    pub fn for_the_example(mut self) -> PlanClaim {
        self.custom_only = true;
        self
    }
}

impl Assertion for PlanClaim {
    fn subject(&self) -> Subject {
        let label = format!("query {}", name(&self.query));
        match &self.claim {
            Claim::UsesIndex(index) | Claim::IndexOnly(index) => Subject::called(ObjectId::index(index), label),
            Claim::UsesOnlyIndexesOf(table) | Claim::NeverScans(table) => {
                Subject::called(ObjectId::table(table), label)
            }
            Claim::NoSort => Subject::of(ObjectId::global(ObjectKind::Query, name(&self.query))),
        }
    }

    fn sentence(&self) -> String {
        match &self.claim {
            Claim::UsesIndex(index) => format!("uses index {index}, and needs it"),
            Claim::UsesOnlyIndexesOf(table) => format!("uses only indexes of {table}"),
            Claim::NeverScans(table) => format!("has no sequential scan of {table}"),
            Claim::NoSort => "sorts nothing".to_owned(),
            Claim::IndexOnly(index) => format!("reads index {index} and not its table, and needs it"),
        }
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        // EXPLAIN runs nothing.
        let mut pins = vec![Pin::looked_at(ObjectId::global(ObjectKind::Query, name(&self.query)), Property::Plan)];
        if let Claim::UsesIndex(index) | Claim::IndexOnly(index) = &self.claim {
            pins.push(Pin::looked_at(ObjectId::index(index), Property::Existence));
        }
        pins
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let modes = if self.custom_only { &[Mode::Custom] } else { self.query.modes() };
        for mode in modes {
            let explain =
                |sandbox: &mut Sandbox| self.query.explain(sandbox, *mode, self.role.as_deref()).map(|e| e.plan);
            let plan = explain(sandbox).map_err(failing)?;
            let short = super::shortage::note(sandbox, &plan);
            let family = match &self.claim {
                Claim::UsesIndex(index) | Claim::IndexOnly(index) => family(sandbox, &catalog, index)?,
                Claim::UsesOnlyIndexesOf(table) | Claim::NeverScans(table) => tables(sandbox, find(&catalog, table)?)?,
                Claim::NoSort => HashSet::new(),
            };
            if let Some(problem) = self.claim.problem(&plan, &family) {
                if let Some(short) = short {
                    return Err(short);
                }
                let object = self.culprit(&catalog, &plan);
                return Err(refuted_by(object, format!("{problem}; the {mode} is\n{}", plan.render())));
            }
            if let Claim::UsesIndex(index) | Claim::IndexOnly(index) = &self.claim {
                // An index that the planner can do without proves nothing about the query.
                let without = sandbox.undone(|sandbox| {
                    hide(sandbox, &catalog, index)?;
                    explain(sandbox)
                })?;
                if without == plan {
                    if let Some(short) = short {
                        return Err(short);
                    }
                    let object = ObjectId::index(index);
                    let found = format!("the {mode} is the same without it\n{}", plan.render());
                    return Err(refuted_by(object, found));
                }
            }
        }
        Ok(())
    }
}

impl PlanClaim {
    /// What to point at: the index, or if no index has that name, the table that is read instead.
    fn culprit(&self, catalog: &Catalog, plan: &Node) -> ObjectId {
        match &self.claim {
            Claim::UsesIndex(index) | Claim::IndexOnly(index) if catalog.index(index).is_none() => {
                let table = plan.all().iter().find_map(|node| node.relation.clone());
                table.map_or_else(|| ObjectId::index(index), |table| ObjectId::table(&table))
            }
            Claim::UsesIndex(index) | Claim::IndexOnly(index) => ObjectId::index(index),
            Claim::UsesOnlyIndexesOf(table) | Claim::NeverScans(table) => ObjectId::table(table),
            Claim::NoSort => {
                let table = plan.all().iter().find_map(|node| node.relation.clone());
                ObjectId::table(table.unwrap_or_default().as_str())
            }
        }
    }
}

impl Claim {
    /// What in the plan violates the claim. `family` is the index or table itself and, if it is partitioned, its
    /// partitions: these are the names in the plan.
    fn problem(&self, plan: &Node, family: &HashSet<String>) -> Option<String> {
        let whole = || {
            let reads = |node: &&Node| node.relation.as_ref().is_some_and(|relation| family.contains(relation));
            plan.all().into_iter().filter(reads).find(|node| node.kind.contains("Seq Scan")).map(Node::headline)
        };
        let scans = plan.index_scans();
        let in_family = |node: &&Node| node.index.as_ref().is_some_and(|index| family.contains(index));
        let mut matching = scans.iter().map(|(_, node)| *node).filter(in_family);
        match self {
            Claim::UsesIndex(index) => match matching.next() {
                Some(_) => None,
                None => Some(format!("{index} is not used")),
            },
            Claim::IndexOnly(index) => match matching.clone().next() {
                None => Some(format!("{index} is not used")),
                Some(_) if matching.clone().all(|node| node.kind.starts_with("Index Only Scan")) => None,
                Some(_) => {
                    let visits = matching.find(|node| !node.kind.starts_with("Index Only Scan"));
                    Some(format!("the table is visited by {}", visits.map(Node::headline).unwrap_or_default()))
                }
            },
            Claim::NeverScans(_) => whole().map(|node| format!("it is read whole by {node}")),
            Claim::UsesOnlyIndexesOf(table) => {
                let through_index = scans.iter().any(|(heap, _)| family.contains(*heap));
                match whole() {
                    Some(node) => Some(format!("it is read whole by {node}")),
                    None if !through_index => Some(format!("no index of {table} is used")),
                    None => None,
                }
            }
            Claim::NoSort => {
                let sorts = |node: &&Node| node.kind.starts_with("Sort") || node.kind.starts_with("Incremental Sort");
                plan.all().into_iter().find(sorts).map(|node| format!("there is a {}", node.headline()))
            }
        }
    }
}

/// The name of a query: its file, or else its text.
pub(super) fn name(query: &WorkloadQuery) -> String {
    if query.name.is_empty() { shortened(&query.sql) } else { query.name.clone() }
}

/// The names of a table and of those that hold rows for it: its partitions, or the tables that inherit from it.
fn tables(sandbox: &mut Sandbox, table: &Relation) -> Result<HashSet<String>, DatabaseError> {
    let descendants = format!(
        "WITH RECURSIVE family (oid) AS (SELECT {}::regclass::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN family f ON f.oid = i.inhparent) \
         SELECT c.relname FROM family f JOIN pg_class c ON c.oid = f.oid",
        literal(&table.sql())
    );
    Ok(sandbox.session().column(&descendants)?.into_iter().collect())
}

/// Hides an index and its partitions from the planner.
pub(super) fn hide(sandbox: &mut Sandbox, catalog: &Catalog, index: &QualifiedName) -> Result<(), DatabaseError> {
    let Some(index) = catalog.index(index) else { return Ok(()) };
    let name = literal(&index.qualified_name().sql());
    sandbox.run(&format!(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = {name}::regclass \
         OR indexrelid IN (SELECT relid FROM pg_partition_tree({name}))"
    ))
}

#[cfg(test)]
mod tests {
    use pgproof_assertions::query::query;

    use crate::PlanClaims;
    use pgproof_assertions::{testing::proven, testing::refuted, testing::scratch};

    const SCHEMA: &str = "CREATE TABLE t (a int, b int, c jsonb, d text);
        INSERT INTO t SELECT n, n % 100, jsonb_build_object('n', n), 'x' FROM generate_series(1, 5000) n;
        CREATE INDEX by_a_b ON t (a, b); CREATE INDEX by_c ON t USING gin (c); CREATE INDEX by_b ON t (b) INCLUDE (a);
        CREATE TABLE p (day int, v int) PARTITION BY RANGE (day);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5000);
        CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (5000) TO (10000);
        INSERT INTO p SELECT n, n FROM generate_series(1, 9999) n;
        CREATE INDEX p_by_v ON p (v);
        ANALYZE t; ANALYZE p;";

    #[test]
    fn an_index_is_used_through_every_kind_of_scan() {
        let mut db = scratch(SCHEMA);
        proven(&mut db, query("SELECT * FROM t WHERE a = 1").uses_index("by_a_b"));
        proven(&mut db, query("SELECT * FROM t WHERE c @> '{\"n\": 7}'").uses_index("by_c"));
        proven(&mut db, query("SELECT * FROM p WHERE v = 77").uses_index("p_by_v"));
        proven(
            &mut db,
            query("WITH w AS MATERIALIZED (SELECT * FROM t WHERE a = 1) SELECT * FROM w").uses_index("by_a_b"),
        );
        proven(&mut db, query("SELECT (SELECT d FROM t WHERE a = 1)").uses_index("by_a_b"));
        proven(&mut db, query("SELECT a FROM t ORDER BY a LIMIT 5").no_sort());
        proven(&mut db, query("SELECT a, count(*) FROM t GROUP BY a ORDER BY a LIMIT 5").no_sort());
        proven(&mut db, query("SELECT a FROM t WHERE a = 5").uses_only_indexes_of("t"));
        proven(&mut db, query("SELECT v FROM p WHERE v = 5").never_scans("p"));
        proven(&mut db, query("SELECT v FROM p WHERE v = 5").uses_only_indexes_of("p"));
        db.run("SET LOCAL random_page_cost = 1; UPDATE pg_class SET relallvisible = relpages WHERE relname = 't'")
            .unwrap();
        proven(&mut db, query("SELECT a FROM t WHERE b = 5").index_only("by_b"));
    }

    #[test]
    fn the_node_that_breaks_a_claim_is_named() {
        let mut db = scratch(SCHEMA);
        insta::assert_snapshot!(refuted(&mut db, query("SELECT * FROM t WHERE a = 1").uses_index("by_b")), @"
        refuted: query SELECT * FROM t WHERE a = 1 uses index by_b, and needs it
          by_b is not used; the custom plan is
          Index Scan using by_a_b on t
              index cond: (a = 1)
        ");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT * FROM t WHERE d = 'y'").uses_index("gone")), @"
        refuted: query SELECT * FROM t WHERE d = 'y' uses index gone, and needs it
          gone is not used; the custom plan is
          Seq Scan on t
              filter: (d = 'y'::text)
        ");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT * FROM t WHERE d = 'y'").never_scans("t")), @"
        refuted: query SELECT * FROM t WHERE d = 'y' has no sequential scan of t
          it is read whole by Seq Scan on t; the custom plan is
          Seq Scan on t
              filter: (d = 'y'::text)
        ");
        let message = refuted(&mut db, query("SELECT * FROM p").never_scans("p"));
        assert!(message.contains("it is read whole by Seq Scan on p1"), "{message}");
        let message = refuted(&mut db, query("SELECT * FROM t").never_scans("nowhere"));
        assert!(message.contains("table nowhere does not exist"), "{message}");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT 1").uses_only_indexes_of("t")), @"
        refuted: query SELECT 1 uses only indexes of t
          no index of t is used; the custom plan is
          Result
        ");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT d FROM t ORDER BY d LIMIT 1").no_sort()), @"
        refuted: query SELECT d FROM t ORDER BY d LIMIT 1 sorts nothing
          there is a Sort; the custom plan is
          Limit
            Sort
                sort key: d
              Seq Scan on t
        ");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT d FROM t WHERE a = 1").index_only("by_a_b")), @"
        refuted: query SELECT d FROM t WHERE a = 1 reads index by_a_b and not its table, and needs it
          the table is visited by Index Scan using by_a_b on t; the custom plan is
          Index Scan using by_a_b on t
              index cond: (a = 1)
        ");
    }

    #[test]
    fn a_role_is_planned_with_its_policies() {
        let mut db = scratch(&format!(
            "{SCHEMA} CREATE ROLE pgproof_reader; GRANT SELECT ON t TO pgproof_reader; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON t USING (b = 7);"
        ));
        let query = super::WorkloadQuery::unnamed("SELECT * FROM t WHERE a = 1".to_owned());
        let plan = query.explain(&mut db, super::Mode::Custom, Some("pgproof_reader")).unwrap().plan;
        assert!(plan.render().contains("index cond: ((a = 1) AND (b = 7))"), "{}", plan.render());
    }
}
