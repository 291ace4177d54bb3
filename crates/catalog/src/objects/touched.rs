//! What the open transaction has touched so far: without it, whoever compares two states must read all of both.

use std::collections::BTreeSet;

use pgproof_server::{DatabaseError, Session};

use super::Objects;

/// What a transaction has touched; it may contain more than that, never less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// The OIDs of tables, views and sequences, some of which may be gone.
    relations: BTreeSet<String>,
    /// Those of sequences.
    sequences: BTreeSet<String>,
    /// How many rows it has written, those of catalogs included.
    writes: u64,
    /// Whether an object that belongs to no relation is among it.
    others: bool,
}

/// The session counts the rows of earlier transactions, too, until it reports them: at once, from PostgreSQL 15 on. Before,
/// more seems to be touched than is.
const FORGET_COUNTS: &str = "DO $$ BEGIN IF current_setting('server_version_num')::int >= 150000 \
                             THEN PERFORM pg_catalog.pg_stat_force_next_flush(); END IF; END $$";

/// What a transaction must know of the time before it, to see what it has touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline(Option<String>);

impl Baseline {
    /// Looks at a database, before a transaction begins.
    pub fn read(session: &mut Session) -> Result<Baseline, DatabaseError> {
        session.run(FORGET_COUNTS)?;
        Baseline::digest(session)
    }

    fn digest(session: &mut Session) -> Result<Baseline, DatabaseError> {
        let rows = session.rows_of_prepared("pgproof_mixed", "", include_str!("mixed.sql"), "")?;
        Ok(Baseline(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten())))
    }
}

impl Touched {
    /// Looks at the session's transaction.
    pub fn since(session: &mut Session, before: &Baseline) -> Result<Touched, DatabaseError> {
        let mut touched = Touched::default();
        for row in session.rows_of_prepared("pgproof_touched", "", include_str!("touched.sql"), "")? {
            let [Some(kind), Some(value)] = row.as_slice() else { continue };
            match kind.as_str() {
                "rows written" => touched.writes = value.parse().unwrap_or(0),
                "others" => touched.others = true,
                kind => {
                    if kind == "sequence" {
                        touched.sequences.insert(value.clone());
                    }
                    touched.relations.insert(value.clone());
                }
            }
        }
        if touched.writes > 0 && !touched.others {
            touched.others = Baseline::digest(session)? != *before;
        }
        Ok(touched)
    }

    /// What either has touched.
    pub fn and(&self, other: &Touched) -> Touched {
        Touched {
            relations: self.relations.union(&other.relations).cloned().collect(),
            sequences: self.sequences.union(&other.sequences).cloned().collect(),
            writes: self.writes + other.writes,
            others: self.others || other.others,
        }
    }

    /// The OIDs of relations as an SQL expression; none if there are none.
    pub fn array(&self) -> Option<String> {
        array(&self.relations)
    }

    /// The same of sequences: those that gave numbers or were set, too.
    pub fn sequences(&self) -> Option<String> {
        array(&self.sequences)
    }

    /// How many rows the transaction has inserted, updated or deleted, those of catalogs included. If it does not grow,
    /// nothing but sequences was touched meanwhile (documentation, "The Cumulative Statistics System").
    pub fn writes(&self) -> u64 {
        self.writes
    }
}

fn array(oids: &BTreeSet<String>) -> Option<String> {
    let oids: Vec<&str> = oids.iter().map(String::as_str).collect();
    (!oids.is_empty()).then(|| format!("'{{{}}}'::oid[]", oids.join(",")))
}

impl Objects {
    /// The objects that a transaction has touched, as they are now: call it with the same `touched` in two states to compare
    /// them. The transaction is open.
    pub fn of_touched(session: &mut Session, touched: &Touched) -> Result<Objects, DatabaseError> {
        let mut found = Objects::default();
        if touched.others {
            found.objects.extend(Objects::outside_relations(session)?.objects);
        }
        if let Some(relations) = touched.array() {
            session.run(BY_KEY)?;
            found.objects.extend(Objects::of_relations(session, &relations)?.objects);
        }
        Ok(found)
    }
}

/// Lets the planner look relations up by their OIDs. The plan is kept while the catalogs grow, and when it is made they may
/// still be so small that reading all of them seems cheaper.
const BY_KEY: &str =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
