//! Whether what was done, done again where it stands, changes nothing. It is done in a transaction and undone.

use pgproof_catalog::{Baseline, Touched};
use pgproof_server::{DatabaseError, Session};

use super::positions::Positions;
use super::undone::{Unsure, plainly, undone_inside};

/// Does something again, in the open transaction, and undoes it.
///
/// `before` is what was there before the transaction, `known` are the positions of all sequences that may be used. Returns the
/// sequences of which numbers were used up, with the positions that they had and have again. None if something changed, or if
/// that cannot be told here; then sequences may be elsewhere.
pub(super) fn changes_nothing(
    session: &mut Session,
    before: &Baseline,
    known: &Positions,
    again: impl FnOnce(&mut Session) -> Result<(), Unsure>,
) -> Result<Option<Positions>, DatabaseError> {
    let written = Touched::since(session, before)?.writes();
    let done = undone_inside(session, |session| {
        again(session)?;
        let touched = Touched::since(session, before)?;
        let state = if touched.writes() == written { None } else { Some(plainly(session, &touched)?) };
        Ok((touched, state))
    })?;
    // Numbers stay used up, and the locks on their sequences last.
    let now = match Touched::since(session, before)?.sequences() {
        Some(used) => Positions::read(session, Some(&used))?,
        None => Positions::default(),
    };
    let Some(moved) = known.moved(&now) else { return Ok(None) };
    moved.restore(session)?;
    let same = match done {
        None => false,
        Some((_, None)) => true,
        Some((touched, Some(state))) => state.changes_since(&plainly(session, &touched)?).is_empty(),
    };
    Ok(same.then_some(moved))
}
