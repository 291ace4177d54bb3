//! Rows that reference nothing: triggers rest while rows are stored, and with them what checks foreign keys.

use pgproof_catalog::{Constraint, Relation, RelationKind};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::identifier;

/// Whether rows of a table reference nothing by this key.
pub(super) fn exist(session: &mut Session, table: &Relation, key: &Constraint) -> Result<bool, DatabaseError> {
    let Some(orphaned) = orphaned(key) else { return Ok(false) };
    let sql = format!("SELECT EXISTS (SELECT FROM {} c WHERE {orphaned})", own(table));
    Ok(session.value(&sql)?.as_deref() == Some("t"))
}

/// Lets rows of a table that reference nothing by this key reference rows that are there, evenly spread. False if a
/// constraint is against it.
pub(super) fn adopt(session: &mut Session, table: &Relation, key: &Constraint) -> Result<bool, DatabaseError> {
    let (Some(orphaned), Some(references)) = (orphaned(key), &key.references) else { return Ok(false) };
    let listed = |names: &[String], prefix: &str| {
        names.iter().map(|name| format!("{prefix}{}", identifier(name))).collect::<Vec<_>>().join(", ")
    };
    let sql = format!(
        "BEGIN; WITH pgproof_p AS (SELECT {referenced}, row_number() OVER (ORDER BY {referenced}) - 1 AS pgproof_i, \
         count(*) OVER () AS pgproof_all FROM {parent}), pgproof_c AS (SELECT c.tableoid AS pgproof_t, c.ctid AS pgproof_r, \
         row_number() OVER (ORDER BY c.tableoid, c.ctid) - 1 AS pgproof_i FROM {table} c WHERE {orphaned}) \
         UPDATE {table} t SET ({own}) = ROW({given}) FROM pgproof_c JOIN pgproof_p \
         ON pgproof_p.pgproof_i = pgproof_c.pgproof_i % pgproof_p.pgproof_all \
         WHERE t.tableoid = pgproof_t AND t.ctid = pgproof_r; COMMIT",
        referenced = listed(&references.columns, ""),
        given = listed(&references.columns, "pgproof_p."),
        own = listed(&key.columns, ""),
        parent = references.qualified_name().sql(),
        table = own(table),
    );
    match session.run(&sql) {
        Ok(()) => Ok(!exist(session, table, key)?),
        Err(DatabaseError::Reported(_)) => {
            session.run("ROLLBACK")?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Removes the rows of a table that reference nothing by this key.
pub(super) fn remove(session: &mut Session, table: &Relation, key: &Constraint) -> Result<(), DatabaseError> {
    let Some(orphaned) = orphaned(key) else { return Ok(()) };
    session.run(&format!("DELETE FROM {} c WHERE {orphaned}", own(table)))
}

/// The rows of a table itself: those of tables that inherit from it have keys of their own. A partitioned table has none
/// but those of its partitions.
pub(super) fn own(table: &Relation) -> String {
    let only = if table.kind == RelationKind::PartitionedTable { "" } else { "ONLY " };
    format!("{only}{}", table.sql())
}

/// That a row `c` references nothing by this key.
fn orphaned(key: &Constraint) -> Option<String> {
    let references = key.references.as_ref()?;
    let pairs = key.columns.iter().zip(&references.columns);
    let equal: Vec<_> = pairs.map(|(own, other)| format!("p.{} = c.{}", identifier(other), identifier(own))).collect();
    let set: Vec<_> = key.columns.iter().map(|own| format!("c.{} IS NOT NULL", identifier(own))).collect();
    let parent = references.qualified_name().sql();
    Some(format!("{} AND NOT EXISTS (SELECT FROM {parent} p WHERE {})", set.join(" AND "), equal.join(" AND ")))
}
