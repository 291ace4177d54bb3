//! Whether what was done, done again where it stands, changes nothing. It is done in a transaction and undone.

use pgproof_catalog::{Baseline, Touched};
use pgproof_server::{DatabaseError, Session};

use super::positions::Positions;
use super::undone::{Unsure, plainly, undone_inside};

/// Does something again, in the open transaction, and undoes it.
///
/// `before` is what was there before the transaction, `touched` what the transaction has touched so far, and `known` are the
/// positions of all sequences that may be used. Returns the sequences of which numbers were used up, with the positions that
/// they had and have again. None if something changed, or if that cannot be told here; then sequences may be elsewhere.
pub(super) fn changes_nothing(
    session: &mut Session,
    before: &Baseline,
    touched: &Touched,
    known: &Positions,
    again: impl FnOnce(&mut Session) -> Result<(), Unsure>,
) -> Result<Option<Positions>, DatabaseError> {
    let written = touched.writes();
    let done = undone_inside(session, |session| {
        again(session)?;
        let touched = Touched::since(session, before)?;
        let state = if touched.writes() == written { None } else { Some(plainly(session, &touched)?) };
        Ok((touched, state))
    })?;
    let Some((touched, state)) = done else { return Ok(None) };
    // Numbers stay used up.
    let Some(moved) = known.moved(&Positions::of(session, &touched)?) else { return Ok(None) };
    moved.restore(session)?;
    let same = match state {
        None => true,
        Some(state) => state.changes_since(&plainly(session, &touched)?).is_empty(),
    };
    Ok(same.then_some(moved))
}
