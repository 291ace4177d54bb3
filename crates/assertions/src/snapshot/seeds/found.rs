//! The rows that the migrations of a schema leave in its tables: read from a copy of the template, and compared with
//! those of one more application of the migrations, which is made only if there are any.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgproof_catalog::{Catalog, without_roles};
use pgproof_runner::CloneDatabase;
use pgproof_runner::isolation::{IsolationError, Template};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::{identifier, literal};
use pgproof_sql::{ObjectId, QualifiedName};

use super::read::{Content, read, tables};
use super::rows::Rows;
use super::varying::rows;

/// The rows of the migrated schema, by table.
#[derive(Debug, Default)]
pub(in crate::snapshot) struct Seeds(pub(super) BTreeMap<ObjectId, Found>);

/// The rows of one table.
#[derive(Debug)]
pub(super) struct Found {
    pub table: QualifiedName,
    pub rows: Rows,
    /// The columns that identify a row; none if the whole row does.
    pub key: Vec<String>,
}

/// Why the rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::snapshot) enum SeedsError {
    #[error("no database for reading the rows of the migrations")]
    Isolation(#[from] IsolationError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Seeds {
    /// Those of a template, worked out once.
    pub(in crate::snapshot) fn of(template: &Arc<Template>) -> Result<Arc<Seeds>, SeedsError> {
        template.cache().get(|| {
            // Not the database of a sandbox, to which a test may have added rows.
            let mut session = CloneDatabase::copy_of(template)?.session()?;
            session.run("BEGIN")?;
            let catalog = Catalog::read(&mut session)?;
            let first = read(&mut session, &catalog)?;
            if first.is_empty() {
                return Ok(Seeds::default());
            }
            let second = again(template, &mut session, &catalog)?;
            let (mut found, nothing) = (BTreeMap::new(), Content::Each(Vec::new()));
            for table in tables(&catalog) {
                let Some(first) = first.get(&table.sql()) else { continue };
                let second = second.as_ref().map(|second| second.get(&table.sql()).unwrap_or(&nothing));
                let (rows, key) = rows(&mut session, &catalog, table, first, second)?;
                found.insert(table.id(), Found { table: table.qualified_name(), rows, key });
            }
            Ok(Seeds(found))
        })
    }

    /// The rows of each table as text.
    pub(in crate::snapshot) fn texts(&self) -> impl Iterator<Item = (&ObjectId, String)> {
        self.0.iter().map(|(table, found)| (table, found.rows.text()))
    }
}

/// The rows after one more application of the migrations; none if they cannot be applied a second time on the server.
/// Its calendar shows another day than that of the template: in one of two time zones, 26 hours apart, that is so.
fn again(
    template: &Arc<Template>,
    session: &mut Session,
    catalog: &Catalog,
) -> Result<Option<BTreeMap<String, Content>>, SeedsError> {
    const OTHER_DAY: &str = "SELECT CASE WHEN (now() AT TIME ZONE 'Etc/GMT-14')::date <> now()::date
        THEN 'Etc/GMT-14' ELSE 'Etc/GMT+12' END";
    let zone = session.value(OTHER_DAY)?.unwrap_or_default();
    let database = CloneDatabase::empty_for(template)?;
    let name = identifier(database.name());
    database.session()?.run(&format!("ALTER DATABASE {name} SET timezone TO {}", literal(&zone)))?;
    let Ok(migrations) = template.context.migrations() else { return Ok(None) };
    if database.apply(&without_roles(&migrations)).is_err() {
        return Ok(None);
    }
    Ok(Some(read(&mut database.session()?, catalog)?))
}
