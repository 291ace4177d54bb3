//! Referential actions: what deleting or updating a referenced row must do to the rows that reference it.

use crate::assertion::{Failure, refuted};
use crate::foreign_key::Action;

/// What is done to the referenced row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// It is deleted.
    Delete,
    /// Its key is updated.
    Update,
}

/// Compares what happened with what each action makes happen. RESTRICT and NO ACTION, and SET DEFAULT and CASCADE of
/// an update, can look the same: there the catalog decides.
pub(crate) fn compare(event: Event, declared: Action, expected: Action, effect: Option<&str>) -> Result<(), Failure> {
    let expected_effect = match (expected, event) {
        (Action::NoAction | Action::Restrict, _) => "was rejected",
        (Action::Cascade, Event::Delete) => "deletes the referencing row",
        (Action::SetNull, _) => "sets the referencing columns to NULL",
        (Action::Cascade, Event::Update) | (Action::SetDefault, _) => "changes the referencing columns",
    };
    let happened = effect.is_none_or(|effect| effect == expected_effect || expected == Action::SetDefault);
    if happened && declared == expected {
        return Ok(());
    }
    let effect = effect.unwrap_or("cannot be acted out");
    Err(refuted(format!("{} of a referenced row {effect} (declared {declared}), not {expected}", event.name())))
}

impl Event {
    /// What SQL calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Event::Delete => "DELETE",
            Event::Update => "UPDATE",
        }
    }
}
