//! What a column's default gives, if that is not the same in every run: it depends on the clock, the role, a setting.

use pgproof_catalog::{Column, Generation, Relation, printed_alike};
use pgproof_server::{Attempt, DatabaseError, Session, SqlState};
use pgproof_sql::quote::literal;

use super::read::{Face, Value, text_of, zone};

/// What a default gives now that is no constant and draws from no sequence. `session` is inside a transaction.
pub(super) fn default_now(
    session: &mut Session,
    table: &Relation,
    column: &Column,
) -> Result<Option<Value>, DatabaseError> {
    let Some(default) = column.default.as_ref().filter(|_| column.generation == Generation::None) else {
        return Ok(None);
    };
    if is_constant(session, column, default)? || draws_from_sequence(session, table, column)? {
        return Ok(None);
    }
    let zone = zone(session)?;
    let texts = [Face::Utc, Face::Local].map(|face| text_of("given", &column.ty.base, face, &zone));
    let sql = format!("SELECT {} FROM (SELECT ({default})::{} AS given) AS given", texts.join(", "), column.ty.name);
    let rows = printed_alike(session, |session| session.attempt_rows(&sql))?;
    // A default that fails gave no value.
    let row = rows.unwrap_or_default().into_iter().next();
    Ok(row.and_then(|row| match row.as_slice() {
        [Some(utc), Some(local)] => Some(Value { utc: Some(utc.clone()), local: Some(local.clone()) }),
        _ => None,
    }))
}

/// Of each column, whether its values are given by the migrations for all that is known of its default.
pub(super) fn given(session: &mut Session, table: &Relation) -> Result<Vec<Option<Face>>, DatabaseError> {
    let mut faces = Vec::new();
    for column in &table.columns {
        let is_given = match &column.default {
            Some(default) => is_constant(session, column, default)?,
            None => column.generation == Generation::None,
        };
        faces.push(is_given.then_some(Face::Utc));
    }
    Ok(faces)
}

/// Whether PostgreSQL knows an expression as immutable: it demands that of a generated column.
fn is_constant(session: &mut Session, column: &Column, expression: &str) -> Result<bool, DatabaseError> {
    let ty = &column.ty.name;
    let table = format!("CREATE TEMP TABLE pgproof_given (given {ty} GENERATED ALWAYS AS ({expression}) STORED)");
    Ok(match session.attempt(&table)? {
        Attempt::Accepted => true,
        Attempt::Refused(refusal) => !refusal.is(&SqlState::INVALID_OBJECT_DEFINITION, None),
    })
}

/// Whether a default draws from a sequence: it gives the same numbers in every run, in the order of the rows.
fn draws_from_sequence(session: &mut Session, table: &Relation, column: &Column) -> Result<bool, DatabaseError> {
    let sql = format!(
        "SELECT EXISTS (SELECT FROM pg_attrdef d
            JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
            JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
            JOIN pg_class s ON p.refclassid = 'pg_class'::regclass AND s.oid = p.refobjid AND s.relkind = 'S'
            WHERE d.adrelid = {}::regclass AND a.attname = {})",
        literal(&table.sql()),
        literal(&column.name)
    );
    Ok(session.value(&sql)?.as_deref() == Some("t"))
}
