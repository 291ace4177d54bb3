//! Views and materialized views: that they can be read, with whose privileges, and whether a materialized view can be
//! refreshed and is up to date.

use pgproof_runner::Sandbox;
use pgproof_server::Attempt;
use pgproof_sql::{ObjectId, ObjectKind, Property, QualifiedName};

use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::failing, assertion::refuted};
use pgproof_catalog::{Catalog, Relation, RelationKind};

/// Begins a sentence about a view.
pub fn view(name: impl Into<QualifiedName>) -> ViewRef {
    ViewRef { name: name.into(), kind: RelationKind::View }
}

/// Begins a sentence about a materialized view.
pub fn materialized_view(name: impl Into<QualifiedName>) -> ViewRef {
    ViewRef { name: name.into(), kind: RelationKind::MaterializedView }
}

/// A view, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct ViewRef {
    name: QualifiedName,
    kind: RelationKind,
}

impl ViewRef {
    /// Which object it is.
    pub(crate) fn object(&self) -> ObjectId {
        let is_view = self.kind == RelationKind::View;
        ObjectId::new(if is_view { ObjectKind::View } else { ObjectKind::MaterializedView }, &self.name)
    }

    /// The view in the catalog, or that there is none.
    pub(crate) fn find<'a>(&self, catalog: &'a Catalog) -> Result<&'a Relation, Failure> {
        let found = catalog.relation(&self.name).filter(|relation| relation.kind == self.kind);
        found.ok_or_else(|| refuted("it does not exist"))
    }

    /// It exists, and a query can read all of it.
    pub fn is_readable(self) -> ViewClaim {
        ViewClaim { at: self, claim: Claim::IsReadable }
    }

    /// It reads with the privileges of the caller, so that policies apply (`security_invoker`, from PostgreSQL 15 on).
    pub fn has_security_invoker(self) -> ViewClaim {
        ViewClaim { at: self, claim: Claim::HasSecurityInvoker }
    }

    /// REFRESH MATERIALIZED VIEW succeeds.
    pub fn refreshes(self) -> ViewClaim {
        ViewClaim { at: self, claim: Claim::Refreshes { concurrently: false } }
    }

    /// REFRESH MATERIALIZED VIEW CONCURRENTLY succeeds: readers need not wait.
    pub fn refreshes_concurrently(self) -> ViewClaim {
        ViewClaim { at: self, claim: Claim::Refreshes { concurrently: true } }
    }

    /// It holds exactly the current result of its query.
    pub fn is_fresh(self) -> ViewClaim {
        ViewClaim { at: self, claim: Claim::IsFresh }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    IsReadable,
    HasSecurityInvoker,
    Refreshes { concurrently: bool },
    IsFresh,
}

/// A claim about a view.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct ViewClaim {
    at: ViewRef,
    claim: Claim,
}

impl Assertion for ViewClaim {
    fn subject(&self) -> Subject {
        Subject::of(self.at.object())
    }

    fn sentence(&self) -> String {
        match self.claim {
            Claim::IsReadable => "can be read",
            Claim::HasSecurityInvoker => "reads with the rights of whoever asks",
            Claim::Refreshes { concurrently: false } => "can be refreshed",
            Claim::Refreshes { concurrently: true } => "can be refreshed concurrently",
            Claim::IsFresh => "holds what its query gives",
        }
        .to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let view = self.subject().object;
        vec![match self.claim {
            Claim::IsReadable | Claim::Refreshes { .. } => Pin::acted_out(view, Property::Existence),
            Claim::HasSecurityInvoker => Pin::looked_at(view, Property::Options),
            Claim::IsFresh => Pin::acted_out(view, Property::Rows),
        }]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = self.at.find(&catalog)?;
        match self.claim {
            Claim::IsReadable => {
                // All rows as text, so that every column of every row is computed.
                sandbox.run(&format!("SELECT count(r::text) FROM {} r", relation.sql())).map_err(failing)?;
                Ok(())
            }
            Claim::HasSecurityInvoker => {
                let on = ["security_invoker=true", "security_invoker=on", "security_invoker=1"];
                if relation.options.iter().any(|option| on.contains(&option.as_str())) {
                    return Ok(());
                }
                Err(refuted("it reads with its owner's rights, whom policies may not bind"))
            }
            Claim::Refreshes { concurrently } => {
                let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
                match sandbox.attempt(&format!("REFRESH MATERIALIZED VIEW {concurrently}{}", relation.sql()))? {
                    Attempt::Accepted => Ok(()),
                    Attempt::Refused(refusal) => {
                        let hint = refusal.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                        Err(refuted(format!("it was rejected: {}{hint}", refusal.message)))
                    }
                }
            }
            Claim::IsFresh => is_fresh(sandbox, relation),
        }
    }
}

fn is_fresh(sandbox: &mut Sandbox, relation: &Relation) -> Result<(), Failure> {
    let query = relation.definition.as_deref().unwrap_or_default().trim_end_matches(';');
    let view = relation.sql();
    // Rows as text, because some types cannot be compared.
    let sql = format!(
        "WITH held AS (SELECT h::text FROM {view} h), given AS (SELECT g::text FROM ({query}) g) \
         SELECT (SELECT count(*) FROM (TABLE held EXCEPT ALL TABLE given) o), (SELECT count(*) FROM (TABLE given EXCEPT ALL TABLE held) m)"
    );
    let row = sandbox.rows(&sql).map_err(failing)?.into_iter().next().unwrap_or_default();
    match row.as_slice() {
        [Some(old), Some(missing)] if old == "0" && missing == "0" => Ok(()),
        [Some(old), Some(missing)] => {
            Err(refuted(format!("{old} of its rows are out of date, and {missing} are missing")))
        }
        _ => Err(refuted("it cannot be compared with its query")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    const SCHEMA: &str = "CREATE TABLE t (a int); INSERT INTO t VALUES (1);
        CREATE VIEW v AS SELECT a FROM t; CREATE VIEW broken AS SELECT 1 / (a - 1) AS b FROM t;
        CREATE MATERIALIZED VIEW m AS SELECT a, count(*) AS n FROM t GROUP BY a;";

    #[test]
    fn a_view_is_read() {
        let mut db = scratch(SCHEMA);
        proven(&mut db, view("v").is_readable());
        insta::assert_snapshot!(refuted(&mut db, view("broken").is_readable()), @"
        refuted: view broken can be read
          it fails with 22012 division_by_zero: division by zero
        ");
        insta::assert_snapshot!(refuted(&mut db, view("m").is_readable()), @"
        refuted: view m can be read
          it does not exist
        ");
        insta::assert_snapshot!(refuted(&mut db, view("v").has_security_invoker()), @"
        refuted: view v reads with the rights of whoever asks
          it reads with its owner's rights, whom policies may not bind
        ");
        if db.major() >= 15 {
            db.alter("ALTER VIEW v SET (security_invoker = true)").unwrap();
            proven(&mut db, view("v").has_security_invoker());
        }
    }

    #[test]
    fn a_materialized_view_is_renewed() {
        let mut db = scratch(SCHEMA);
        proven(&mut db, materialized_view("m").refreshes());
        proven(&mut db, materialized_view("m").is_fresh());
        let message = refuted(&mut db, materialized_view("m").refreshes_concurrently());
        assert!(message.contains("it was rejected: cannot refresh materialized view"), "{message}");
        db.alter("CREATE UNIQUE INDEX ON m (a); INSERT INTO t VALUES (1), (2)").unwrap();
        proven(&mut db, materialized_view("m").refreshes_concurrently());
        insta::assert_snapshot!(refuted(&mut db, materialized_view("m").is_fresh()), @"
        refuted: materialized view m holds what its query gives
          1 of its rows are out of date, and 2 are missing
        ");
    }
}
