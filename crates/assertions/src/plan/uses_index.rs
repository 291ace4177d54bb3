//! A query's plan uses an index. The table of a test is nearly empty, where reading it whole is right, so sequential
//! scans and sorts are made expensive: what is proven is that the index can serve the query, and that without it the plan is
//! another.

use pgproof_runner::Sandbox;
use pgproof_runner::migration::Object;
use pgproof_runner::session::shortened;

use super::Node;
use crate::assertion::{Assertion, Failure, Subject, refuted_by, unqualified};
use crate::catalog::{Catalog, qualified};
use crate::query::failing;

/// A query's plan uses an index, and would be another without it.
#[derive(Debug, Clone)]
pub struct UsesIndex {
    sql: String,
    index: String,
}

impl UsesIndex {
    pub(crate) fn new(sql: String, index: String) -> UsesIndex {
        UsesIndex { sql, index }
    }

    fn is_used(&self, plan: &Node) -> bool {
        plan.all().iter().any(|node| node.index.as_deref() == Some(&*unqualified(&self.index)))
    }
}

impl Assertion for UsesIndex {
    fn subject(&self) -> Subject {
        let object = Object::Index(unqualified(&self.index));
        Subject { kind: "query", name: shortened(&self.sql), object: Some(object) }
    }

    fn sentence(&self) -> String {
        format!("uses index {}, and needs it", self.index)
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        sandbox.run("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL jit = off")?;
        let plan = Node::of(sandbox, &self.sql).map_err(failing)?;
        let refuted = |found: String| {
            let table = catalog.index(&self.index).map(|index| index.table.clone());
            let missing = plan.all().iter().find_map(|node| node.relation.clone());
            let object = match (table, missing) {
                (None, Some(table)) => Object::Table(table),
                _ => Object::Index(unqualified(&self.index)),
            };
            refuted_by(object, found)
        };
        if !self.is_used(&plan) {
            let missing = if catalog.index(&self.index).is_none() { "there is no such index; " } else { "" };
            return Err(refuted(format!("{missing}the plan is\n{}", plan.render())));
        }
        let Some(index) = catalog.index(&self.index) else { return Ok(()) };
        // An index that the planner can do without proves nothing of the query.
        let name = qualified(&index.schema, &index.name);
        sandbox.run(&format!("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass"))?;
        let without = Node::of(sandbox, &self.sql)?;
        if without == plan {
            return Err(refuted(format!("the plan is the same without it\n{}", plan.render())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::query::query;
    use crate::testing::{proven, refuted, scratch};

    #[test]
    fn an_index_is_used() {
        let mut db = scratch(
            "CREATE TABLE t (a int, b int, c jsonb); CREATE INDEX by_a_b ON t (a, b); CREATE INDEX by_c ON t USING gin (c);
             CREATE INDEX by_b ON t (b);",
        );
        proven(&mut db, query("SELECT * FROM t WHERE a = 1 ORDER BY b").uses_index("by_a_b"));
        proven(&mut db, query("SELECT * FROM t WHERE c @> '{}'").uses_index("by_c"));
        insta::assert_snapshot!(refuted(&mut db, query("SELECT * FROM t WHERE a = 1 AND c @> '1'").uses_index("by_b")), @"
        refuted: query SELECT * FROM t WHERE a = 1 AND c @> '1' uses index by_b, and needs it
          the plan is
          Bitmap Heap Scan on t
              filter: (c @> '1'::jsonb)
            Bitmap Index Scan using by_a_b
                index cond: (a = 1)
        ");
        insta::assert_snapshot!(refuted(&mut db, query("SELECT * FROM t WHERE a + 1 = 2").uses_index("gone")), @"
        refuted: query SELECT * FROM t WHERE a + 1 = 2 uses index gone, and needs it
          there is no such index; the plan is
          Seq Scan on t
              filter: ((a + 1) = 2)
        ");
    }
}
