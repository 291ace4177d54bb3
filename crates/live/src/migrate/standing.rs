//! What stands in a database: how much of the migrations, recognised by the catalog alone, because no table of the
//! database says it.

use std::collections::BTreeSet;

use pgproof_catalog::{Difference, Objects};
use pgproof_rerun::AcceptedDifference;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Change, ObjectId, ObjectKind, QualifiedName};

use super::chain::{Chain, rows_of};

/// How much of the migrations a database has.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Nothing that they make.
    Fresh,
    /// Exactly what this many files make, not all of them.
    After(usize),
    /// All of them.
    Done,
    /// Something else: part of a file, or an older schema. What distinguishes it from the nearest file's end.
    Unlike {
        /// After how many files the database looks most like that.
        nearest: usize,
        /// What differs from that.
        differences: Vec<Difference>,
    },
}

/// What stands in a database.
#[derive(Debug)]
pub struct Recognised {
    /// How much of the migrations.
    pub standing: Standing,
    /// Objects that no file makes, without those that belong to others of them.
    pub strangers: Vec<ObjectId>,
}

impl Standing {
    /// How many files are done: applying begins after them.
    pub fn done(&self, chain: &Chain) -> usize {
        match self {
            Standing::After(files) => *files,
            Standing::Done => chain.files.len(),
            // Part of any file may be missing.
            Standing::Fresh | Standing::Unlike { .. } => 0,
        }
    }
}

impl Recognised {
    /// Recognises what stands in the database of a session, whose objects are `live`.
    ///
    /// Differences that are `accepted` do not count, nor do the order of columns and extensions that are there beforehand. If several files in a row
    /// change no object, their rows decide: as many as the file inserts must be there.
    pub fn of(
        chain: &Chain,
        live: &Objects,
        session: &mut Session,
        accepted: &[AcceptedDifference],
    ) -> Result<Recognised, DatabaseError> {
        let ours = chain.ours(live);
        let strangers =
            live.differences_from(&ours).into_iter().map(|difference| difference.object().clone()).collect();
        let distance = |files: usize| differences_that_count(&ours, chain.after(files), accepted);
        let matching: BTreeSet<usize> = (0..=chain.files.len()).filter(|files| distance(*files).is_empty()).collect();
        let standing = if matching.is_empty() {
            // The later one of two that are as near: what a file does not change, it does not undo.
            let all = (0..=chain.files.len()).rev().map(|files| (files, distance(files)));
            let nearest = all.min_by_key(|(_, differences)| differences.len());
            nearest.map_or(Standing::Fresh, |(nearest, differences)| Standing::Unlike { nearest, differences })
        } else {
            after(furthest(chain, &matching, session)?, chain)
        };
        Ok(Recognised { standing, strangers })
    }
}

/// How objects differ from what is expected. The order of columns does not count, nor do extensions that are there beforehand,
/// and what is accepted.
pub(super) fn differences_that_count(
    objects: &Objects,
    expected: &Objects,
    accepted: &[AcceptedDifference],
) -> Vec<Difference> {
    let counts = |difference: &Difference| {
        let (object, change) = (difference.object(), difference.change());
        let is_early = object.kind() == ObjectKind::Extension && change == Change::Added;
        let accepts = |accepted: &AcceptedDifference| accepted.accepts(object, difference.property(), change);
        !difference.is_order() && !is_early && !accepted.iter().any(accepts)
    };
    objects.differences_from(expected).into_iter().filter(counts).collect()
}

fn after(files: usize, chain: &Chain) -> Standing {
    match files {
        files if files == chain.files.len() => Standing::Done,
        0 => Standing::Fresh,
        files => Standing::After(files),
    }
}

/// Of the numbers of files whose catalog matches, the last one whose rows are there too: files may only insert rows.
fn furthest(chain: &Chain, matching: &BTreeSet<usize>, session: &mut Session) -> Result<usize, DatabaseError> {
    let mut reached = matching.first().copied().unwrap_or_default();
    for files in matching.iter().copied().skip(1) {
        let (before, there) = (&chain.steps()[files - 1].rows, &chain.steps()[files].rows);
        let grown: Vec<QualifiedName> = there
            .iter()
            .filter(|(table, rows)| before.get(table).is_none_or(|before| before < rows))
            .map(|(table, _)| table.clone())
            .collect();
        let live = rows_of(session, &grown)?;
        if files != reached + 1 || grown.iter().any(|table| live.get(table) < there.get(table)) {
            break;
        }
        reached = files;
    }
    Ok(reached)
}
