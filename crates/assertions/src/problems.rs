//! What an assertion finds wrong, collected so that all of it is reported at once, and the constraint that is to blame.

use pgproof_catalog::Relation;
use pgproof_server::Reported;
use pgproof_sql::{Identifier, ObjectId};

use crate::assertion::{Failure, refuted_by};

/// Problems, and what to point at.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<String>,
    blamed: Option<ObjectId>,
}

impl Problems {
    /// Adds a problem.
    pub(crate) fn tell(&mut self, problem: impl Into<String>) {
        self.found.push(problem.into());
    }

    /// Points at the constraint that rejected a row of this table; the first one is kept.
    pub(crate) fn blame(&mut self, relation: &Relation, refusal: &Reported) {
        let of_table = refusal.table.as_deref() == Some(&relation.name);
        let constraint = refusal.constraint.as_ref().filter(|_| of_table);
        let object = constraint.map(|name| ObjectId::constraint(&relation.qualified_name(), Identifier::new(name)));
        self.blamed = self.blamed.take().or(object);
    }

    /// Refutes if there is a problem. Points at `object` if nothing is blamed. At most this many are shown.
    pub(crate) fn verdict_of_first(mut self, most: usize, object: ObjectId) -> Result<(), Failure> {
        if self.found.len() > most + 1 {
            let more = self.found.len() - most;
            self.found.truncate(most);
            self.found.push(format!("and {more} more"));
        }
        self.verdict(object)
    }

    /// Refutes if there is a problem. Points at `object` if nothing is blamed.
    pub(crate) fn verdict(self, object: ObjectId) -> Result<(), Failure> {
        if self.found.is_empty() {
            return Ok(());
        }
        Err(refuted_by(self.blamed.unwrap_or(object), self.found.join("\n")))
    }
}
