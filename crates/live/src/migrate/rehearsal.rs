//! A rehearsal: pending files applied to a copy of the database's catalog, where it is not known from the files what they
//! lead to.

use std::sync::Arc;

use pgproof_catalog::{Difference, Objects};
use pgproof_rerun::AcceptedDifference;
use pgproof_runner::isolation::Template;
use pgproof_runner::migration::MigrationError;
use pgproof_server::ServerOptions;

use super::standing::differences_that_count;
use super::{Chain, MigrateError};
use crate::Target;
use crate::backup::copy_catalog;
use crate::described::described;

/// How the rehearsals went.
#[derive(Debug)]
pub enum Rehearsal {
    /// The files after this many lead to exactly what the migrations make.
    Succeeded {
        /// How many files are left out.
        after: usize,
    },
    /// They apply, but something differs afterwards.
    Differs {
        /// How many files are left out.
        after: usize,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// They do not apply, wherever they begin.
    Fails(MigrationError),
}

/// Tries which files bring a database to what the migrations make: all of them, as for those that can be run again, or those
/// after the ones that the database is `nearest` to.
pub fn rehearse(
    chain: &Chain,
    target: &Target,
    template: &Arc<Template>,
    options: &ServerOptions,
    nearest: usize,
    accepted: &[AcceptedDifference],
) -> Result<Rehearsal, MigrateError> {
    let mut worst = None;
    // After the last file there is nothing to apply.
    let starts = if (1..chain.files.len()).contains(&nearest) { vec![0, nearest] } else { vec![0] };
    for after in starts {
        let copy = copy_catalog(target, template, options)?;
        if let Err(error) = copy.apply(&chain.files[after..]) {
            // What fails first says most: later beginnings leave out more.
            worst.get_or_insert(Rehearsal::Fails(error));
            continue;
        }
        let mut reader = copy.session().map_err(MigrateError::Expected)?;
        let owner = super::chain::owner_of(template, &mut reader).map_err(MigrateError::Expected)?;
        let objects: Objects =
            described(&mut reader, target.database(), Some(&owner)).map_err(MigrateError::Expected)?;
        let differences = differences_that_count(&chain.ours(&objects), chain.last(), accepted);
        if differences.is_empty() {
            return Ok(Rehearsal::Succeeded { after });
        }
        worst.get_or_insert(Rehearsal::Differs { after, differences });
    }
    Ok(worst.unwrap_or(Rehearsal::Succeeded { after: nearest }))
}
