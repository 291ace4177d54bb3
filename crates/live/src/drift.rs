//! Drift: how a database differs from what the migrations make, or from another database. How to say it is left to
//! reports.

use std::sync::Arc;

use pgproof_assertions::origin::place_of;
use pgproof_catalog::Difference;
use pgproof_rerun::AcceptedDifference;
use pgproof_runner::CloneDatabase;
use pgproof_runner::isolation::{IsolationError, Template};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Identifier, Origin};

use crate::described::described;
use crate::{Target, restated, versions};

/// How a database differs from what is expected of it.
#[derive(Debug, Default)]
pub struct Drift {
    /// The differences that nobody has accepted, those of columns' order last.
    pub found: Vec<Drifted>,
    /// Those that `pgproof.toml` accepts, each with the reason.
    pub accepted: Vec<(Drifted, String)>,
    /// Patterns in `pgproof.toml` that accepted nothing.
    pub unused: Vec<AcceptedDifference>,
}

/// One difference. `Added` is what only the database has, `Removed` what it lacks; the value that it has is the new one.
#[derive(Debug)]
pub struct Drifted {
    /// The difference, from what is expected to what is there.
    pub difference: Difference,
    /// The statement of the migrations that made what is expected, if one did.
    pub made_at: Option<Origin>,
}

/// Why a database cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriftError {
    /// The database cannot be reached or read.
    #[error("cannot read {target}")]
    Target {
        /// The database.
        target: String,
        /// Why.
        source: DatabaseError,
    },
    /// The migrations cannot be applied to a disposable database.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// The disposable database cannot be read.
    #[error("cannot read the database that the migrations made")]
    Expected(#[source] DatabaseError),
}

impl Drift {
    /// Whether something differs that nobody has accepted. An order of columns alone does not count: no statement can
    /// change it.
    pub fn is_refuted(&self) -> bool {
        self.found.iter().any(|drifted| !drifted.difference.is_order())
    }

    /// Compares a database with what the migrations of a template make.
    pub fn of(target: &Target, template: &Arc<Template>) -> Result<Drift, DriftError> {
        let unreadable = |source| DriftError::Target { target: target.to_string(), source };
        let mut session = target.reader().map_err(unreadable)?;
        let live = described(&mut session, target.database(), target.settings.owner.as_ref()).map_err(unreadable)?;
        let migrated = CloneDatabase::copy_of(template)?;
        let mut expecting = migrated.session().map_err(DriftError::Expected)?;
        let owner = template.owner().map(|owner| Identifier::new(&owner.role));
        let expected = described(&mut expecting, target.database(), owner.as_ref()).map_err(DriftError::Expected)?;
        let mut differences = live.differences_from(&expected);
        differences.retain(|difference| !restated::is_same(difference));
        differences.extend(versions::outdated(&mut session).map_err(unreadable)?);
        let mut drift = Drift::default();
        let mut is_used = vec![false; target.settings.accepted.len()];
        for difference in differences {
            let properties: Vec<_> = difference.property().into_iter().collect();
            let made_at = match &difference {
                Difference::Added(_) => None,
                other => place_of(template, other.object(), &properties),
            };
            let patterns = target.settings.accepted.iter();
            let accepting = patterns.enumerate().find(|(_, accepted)| {
                accepted.accepts(difference.object(), difference.property(), difference.change())
            });
            let drifted = Drifted { difference, made_at };
            match accepting {
                Some((at, accepted)) => {
                    is_used[at] = true;
                    drift.accepted.push((drifted, accepted.reason.clone()));
                }
                None => drift.found.push(drifted),
            }
        }
        drift.found.sort_by_key(|drifted| drifted.difference.is_order());
        let patterns = target.settings.accepted.iter().zip(is_used);
        drift.unused = patterns.filter(|(_, is_used)| !is_used).map(|(accepted, _)| accepted.clone()).collect();
        Ok(drift)
    }

    /// Compares a database with another one, which is what is expected.
    pub fn between(target: &Target, other: &Target) -> Result<Drift, DriftError> {
        let read = |of: &Target, name: &str| {
            let read = |of: &Target| -> Result<_, DatabaseError> {
                let mut session: Session = of.reader()?;
                described(&mut session, name, of.settings.owner.as_ref())
            };
            read(of).map_err(|source| DriftError::Target { target: of.to_string(), source })
        };
        let name = target.database();
        let differences = read(target, name)?.differences_from(&read(other, name)?);
        let found = differences.into_iter().map(|difference| Drifted { difference, made_at: None }).collect();
        Ok(Drift { found, ..Drift::default() })
    }
}
