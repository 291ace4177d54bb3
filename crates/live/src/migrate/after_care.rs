//! What a migration leaves to be done: statistics of tables, contents of materialized views, and indexes that a concurrent
//! build left invalid.

use pgproof_server::{DatabaseError, Session, SqlState};
use pgproof_sql::{ObjectId, ObjectKind, QualifiedName};

use super::Chain;

/// How a materialized view was refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// While others could read it.
    Concurrently,
    /// While others had to wait, because it was never populated.
    NotPopulated,
    /// While others had to wait, because it has no unique index on plain columns and all rows.
    NoUniqueIndex,
}

/// Whether a materialized view is populated, and has an index that a concurrent refresh can use (documentation, "REFRESH
/// MATERIALIZED VIEW").
const REFRESHABLE: &str = "SELECT c.relispopulated, EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique \
     AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL) FROM pg_class c WHERE c.oid = to_regclass(";

/// Indexes that are not used, because a concurrent build of them failed.
const INVALID: &str = "SELECT n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND n.nspname !~ '^pg_' \
     AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid) ORDER BY 1, 2";

impl Chain {
    /// The tables that the migrations make.
    pub fn tables(&self) -> Vec<QualifiedName> {
        self.relations(ObjectKind::Table)
    }

    /// The materialized views that the migrations make.
    pub fn materialized_views(&self) -> Vec<QualifiedName> {
        self.relations(ObjectKind::MaterializedView)
    }

    fn relations(&self, kind: ObjectKind) -> Vec<QualifiedName> {
        let objects = self.last().iter().map(|(object, _)| object);
        objects.filter(|object| object.kind() == kind).map(ObjectId::qualified_name).collect()
    }
}

/// Updates the statistics of a table.
pub fn analyze(session: &mut Session, table: &QualifiedName) -> Result<(), DatabaseError> {
    session.run(&format!("ANALYZE {}", table.sql()))
}

/// Refreshes a materialized view, concurrently if that is possible.
pub fn refresh(session: &mut Session, view: &QualifiedName) -> Result<Refreshed, DatabaseError> {
    let name = pgproof_sql::quote::literal(&view.sql());
    let row = session.rows(&format!("{REFRESHABLE}{name})"))?.into_iter().next().unwrap_or_default();
    let is = |at: usize| row.get(at).cloned().flatten().as_deref() == Some("t");
    let how = match (is(0), is(1)) {
        (true, true) => Refreshed::Concurrently,
        (false, _) => Refreshed::NotPopulated,
        (true, false) => Refreshed::NoUniqueIndex,
    };
    let concurrently = if how == Refreshed::Concurrently { "CONCURRENTLY " } else { "" };
    match session.run(&format!("REFRESH MATERIALIZED VIEW {concurrently}{}", view.sql())) {
        // An index may be one of a kind that it cannot use after all.
        Err(error)
            if error.sqlstate() == Some(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE.code())
                && !concurrently.is_empty() =>
        {
            session.run(&format!("REFRESH MATERIALIZED VIEW {}", view.sql()))?;
            Ok(Refreshed::NoUniqueIndex)
        }
        other => other.map(|()| how),
    }
}

/// The indexes that a failed concurrent build has left: they are kept up to date, but not used.
pub fn invalid_indexes(session: &mut Session) -> Result<Vec<ObjectId>, DatabaseError> {
    let rows = session.rows(INVALID)?.into_iter();
    let index = |row: Vec<Option<String>>| match row.as_slice() {
        [Some(schema), Some(name)] => Some(ObjectId::index(QualifiedName::in_schema(schema, name))),
        _ => None,
    };
    Ok(rows.filter_map(index).collect())
}
