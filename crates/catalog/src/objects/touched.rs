//! What the open transaction has touched so far: without it, whoever compares two states must read all of both.

use std::collections::BTreeSet;

use pgproof_server::{DatabaseError, Session};

use super::Objects;

/// What a transaction has touched; it may contain more than that, never less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// The OIDs of tables, views and sequences, some of which may be gone.
    relations: BTreeSet<String>,
    /// Whether an object that belongs to no relation is among it.
    others: bool,
}

impl Touched {
    /// Looks at the session's transaction.
    pub fn in_transaction(session: &mut Session) -> Result<Touched, DatabaseError> {
        let mut touched = Touched::default();
        for row in session.rows_of_prepared("pgproof_touched", "", include_str!("touched.sql"), "")? {
            match row.into_iter().next().flatten() {
                Some(oid) if oid == "0" => touched.others = true,
                Some(oid) => drop(touched.relations.insert(oid)),
                None => {}
            }
        }
        Ok(touched)
    }

    /// What either has touched.
    pub fn and(&self, other: Touched) -> Touched {
        let relations = self.relations.iter().cloned().chain(other.relations).collect();
        Touched { relations, others: self.others || other.others }
    }

    /// The OIDs as an SQL expression.
    pub fn array(&self) -> String {
        let oids: Vec<&str> = self.relations.iter().map(String::as_str).collect();
        format!("'{{{}}}'::oid[]", oids.join(","))
    }

    /// How many rows the transaction has inserted, updated or deleted, those of catalogs included. If it does not grow,
    /// nothing was touched meanwhile (documentation, "The Cumulative Statistics System").
    pub fn writes(session: &mut Session) -> Result<u64, DatabaseError> {
        let sql = "SELECT coalesce(sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid) \
                       + pg_stat_get_xact_tuples_deleted(oid)), 0) \
                   FROM pg_class WHERE relkind IN ('r', 'm', 't')";
        Ok(session.value(sql)?.and_then(|count| count.parse().ok()).unwrap_or(0))
    }
}

impl Objects {
    /// The objects that a transaction has touched, as they are now: call it with the same `touched` in two states to compare
    /// them.
    pub fn of_touched(session: &mut Session, touched: &Touched) -> Result<Objects, DatabaseError> {
        let mut found = Objects::default();
        if !touched.relations.is_empty() {
            found.objects.extend(Objects::of_relations(session, &touched.array())?.objects);
        }
        if touched.others {
            found.objects.extend(Objects::outside_relations(session)?.objects);
        }
        Ok(found)
    }
}
