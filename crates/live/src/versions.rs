//! Extensions that are older than what their server offers: what `ALTER EXTENSION … UPDATE` would bring up to date.

use pgproof_catalog::Difference;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{ObjectId, ObjectKind, Property};

const OUTDATED: &str = "SELECT e.extname, a.default_version, e.extversion FROM pg_extension e
    JOIN pg_available_extensions a ON a.name = e.extname AND a.default_version <> e.extversion ORDER BY e.extname";

/// The extensions of a session's database that have not the version which its server would install.
pub(crate) fn outdated(session: &mut Session) -> Result<Vec<Difference>, DatabaseError> {
    let rows = session.rows(OUTDATED)?.into_iter();
    let difference = |row: Vec<Option<String>>| {
        let [Some(name), from, to] = <[_; 3]>::try_from(row).ok()? else { return None };
        let object = ObjectId::global(ObjectKind::Extension, name);
        Some(Difference::Altered { object, property: Property::Version, from, to })
    };
    Ok(rows.filter_map(difference).collect())
}
