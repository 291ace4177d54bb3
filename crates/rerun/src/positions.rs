//! How far sequences have come. Numbers are used up even by what is rolled back, so whoever must leave a database as it was
//! sets sequences back.

use std::collections::BTreeMap;

use pgproof_catalog::Touched;
use pgproof_server::{DatabaseError, Session};

/// The positions of sequences, by OID; none if the sequence has given no number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Positions(BTreeMap<String, Option<i64>>);

impl Positions {
    /// Reads those of all sequences.
    pub(super) fn all(session: &mut Session) -> Result<Positions, DatabaseError> {
        Positions::read(session, None)
    }

    /// Reads those of the sequences that a transaction has used.
    pub(super) fn of(session: &mut Session, touched: &Touched) -> Result<Positions, DatabaseError> {
        match touched.sequences() {
            Some(used) => Positions::read(session, Some(&used)),
            None => Ok(Positions::default()),
        }
    }

    /// Whether these are where they were.
    pub(super) fn still_stand(&self, session: &mut Session) -> Result<bool, DatabaseError> {
        Ok(self.0.is_empty() || self.are_in(&Positions::read(session, Some(&self.array()))?))
    }

    fn read(session: &mut Session, which: Option<&str>) -> Result<Positions, DatabaseError> {
        let which = which.map(|oids| format!("AND s.seqrelid = ANY ({oids})")).unwrap_or_default();
        let sql = format!(
            "SELECT s.seqrelid, pg_sequence_last_value(s.seqrelid) FROM pg_sequence s \
             WHERE has_sequence_privilege(s.seqrelid, 'SELECT, USAGE') {which}"
        );
        let position = |row: Vec<Option<String>>| match row.as_slice() {
            [Some(oid), at] => Some((oid.clone(), at.as_deref().and_then(|at| at.parse().ok()))),
            _ => None,
        };
        Ok(Positions(session.rows(&sql)?.into_iter().filter_map(position).collect()))
    }

    /// Uses one number of each, as a user would.
    pub(super) fn take_numbers(&self, session: &mut Session) -> Result<(), DatabaseError> {
        if self.0.is_empty() {
            return Ok(());
        }
        session.run(&format!(
            "SELECT nextval(seqrelid::regclass) FROM pg_sequence WHERE seqincrement > 0 AND seqrelid = ANY ({})",
            self.array()
        ))
    }

    /// Those that are elsewhere than in `self`, with the positions they have in `self`. None if one is behind, or was used for
    /// the first time: where that one was cannot be told.
    pub(super) fn moved(&self, now: &Positions) -> Option<Positions> {
        let elsewhere = now.0.iter().filter(|(oid, at)| self.0.get(*oid) != Some(*at));
        elsewhere
            .map(|(oid, at)| {
                let was = self.0.get(oid).copied().flatten()?;
                (at.is_some_and(|at| at > was)).then(|| (oid.clone(), Some(was)))
            })
            .collect::<Option<_>>()
            .map(Positions)
    }

    /// Sets the sequences back to these positions, all of which have given a number.
    pub(super) fn restore(&self, session: &mut Session) -> Result<(), DatabaseError> {
        let sets: Vec<String> =
            self.0.iter().filter_map(|(oid, at)| Some(format!("setval({oid}::regclass, {})", (*at)?))).collect();
        if sets.is_empty() { Ok(()) } else { session.run(&format!("VALUES ({})", sets.join("), ("))) }
    }

    /// Whether these have the same positions in `other`, which has all of them.
    pub(super) fn are_in(&self, other: &Positions) -> bool {
        self.0.iter().all(|(oid, at)| other.0.get(oid) == Some(at))
    }

    /// The OIDs as an SQL array.
    fn array(&self) -> String {
        let oids: Vec<&str> = self.0.keys().map(String::as_str).collect();
        format!("'{{{}}}'::oid[]", oids.join(","))
    }
}
