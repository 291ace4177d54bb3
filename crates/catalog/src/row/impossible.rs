//! Tables of which no row can be made: the search is long, and its answer is the same for everybody who asks, so it is
//! kept with the schema that it is about.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use pgproof_runner::Sandbox;

use super::{RowError, Value};
use crate::{Catalog, ConstraintKind, Relation};

/// What is known of a schema.
#[derive(Default)]
pub(super) struct Impossible(Mutex<BTreeMap<String, Known>>);

/// Why there is no row of a table.
struct Known {
    error: Arc<RowError>,
    /// The columns of the rule that no row satisfies: a wish for another column changes nothing.
    columns: Vec<String>,
}

impl Impossible {
    pub(super) fn of(sandbox: &mut Sandbox) -> Arc<Impossible> {
        let known = sandbox.cached(|_| Ok::<_, Infallible>(Impossible::default()));
        known.unwrap_or_else(|never| match never {})
    }

    /// Why no row of this table can be made with these values, if that is known.
    pub(super) fn why(&self, table: &str, given: &[(&str, Value)]) -> Option<RowError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(table)?;
        let concerns = given.iter().any(|(column, _)| known.columns.iter().any(|other| other == column));
        (!concerns).then(|| RowError::Known(Arc::clone(&known.error)))
    }

    /// Keeps an answer that depends on the schema alone; what rows are there may matter for any other.
    pub(super) fn keep(&self, catalog: &Catalog, table: &Relation, error: RowError) -> RowError {
        let columns = match &error {
            RowError::Unsatisfiable { constraint, .. } => {
                let check = catalog.constraints_of(table).find(|check| check.name == *constraint);
                check.filter(|check| check.kind == ConstraintKind::Check).map(|check| check.columns.clone())
            }
            _ => None,
        };
        let Some(columns) = columns else { return error };
        let error = Arc::new(error);
        let known = Known { error: Arc::clone(&error), columns };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(table.sql(), known);
        RowError::Known(error)
    }
}
