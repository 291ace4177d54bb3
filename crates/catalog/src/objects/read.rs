//! Reads all objects, with two queries however many there are.

use std::borrow::Cow;
use std::collections::HashMap;

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Identifier, ObjectId, ObjectKind, Property, QualifiedName};

use super::Objects;

const RELATIONS: &str = include_str!("relations.sql");

const OTHERS: &str = include_str!("others.sql");

/// The relations with OIDs in an array that is the parameter of the query.
fn of_some_relations() -> String {
    RELATIONS.replace("TRUE -- which", "oid = ANY ($1)")
}

impl Objects {
    /// Reads all objects of a session's database.
    pub fn read(session: &mut Session) -> Result<Objects, DatabaseError> {
        let mut all = Objects::of(session.rows(RELATIONS)?)?;
        all.objects.extend(Objects::of(session.rows(OTHERS)?)?.objects);
        Ok(all)
    }

    /// Reads a relation by its OID, and all that belongs to it.
    pub(crate) fn of_relation(session: &mut Session, oid: &str) -> Result<Objects, DatabaseError> {
        Objects::of_relations(session, &format!("'{{{oid}}}'"))
    }

    /// The same for those in an SQL array of OIDs.
    pub(crate) fn of_relations(session: &mut Session, oids: &str) -> Result<Objects, DatabaseError> {
        let sql = of_some_relations();
        Objects::of(session.rows_of_prepared("pgproof_relations", "(oid[])", &sql, &format!("({oids})"))?)
    }

    /// Reads all objects that belong to no relation: schemas, functions, types, extensions.
    pub(crate) fn outside_relations(session: &mut Session) -> Result<Objects, DatabaseError> {
        Objects::of(session.rows_of_prepared("pgproof_others", "", OTHERS, "")?)
    }

    fn of(rows: Vec<Vec<Option<String>>>) -> Result<Objects, DatabaseError> {
        let mut found = Objects::default();
        let by_name: HashMap<&str, Property> = Property::ALL.into_iter().map(|known| (known.name(), known)).collect();
        for row in rows {
            let wrong = || DatabaseError::Answer { query: "the catalog".to_owned(), problem: format!("{row:?}") };
            let (object, parent) = identify(&row).ok_or_else(wrong)?;
            let [.., Some(properties)] = row.as_slice() else { return Err(wrong()) };
            let properties: HashMap<Cow<'_, str>, String> = serde_json::from_str(properties).map_err(|_| wrong())?;
            let described = found.objects.entry(object).or_default();
            described.parent = parent.or(described.parent.take());
            for (name, value) in properties {
                described.properties.insert(*by_name.get(name.as_ref()).ok_or_else(wrong)?, value);
            }
        }
        Ok(found)
    }
}

/// The object of a row, and the object on which its existence depends.
fn identify(row: &[Option<String>]) -> Option<(ObjectId, Option<ObjectId>)> {
    let [kind, schema, relation, name, arguments, parent_kind, parent, ..] = row else { return None };
    let kind: ObjectKind = kind.as_ref()?.parse().ok()?;
    let name = name.clone()?;
    let in_schema = |name: &str| schema.as_ref().map(|schema| QualifiedName::in_schema(schema, name));
    let object = match (in_schema(&name), relation) {
        (None, _) => ObjectId::global(kind, name),
        (Some(_), Some(relation)) => ObjectId::of(kind, &in_schema(relation)?, Identifier::new(name)),
        (Some(name), None) if kind.has_arguments() => ObjectId::function(kind, name, arguments.clone()?),
        (Some(name), None) => ObjectId::new(kind, name),
    };
    let parent = match (parent_kind, parent) {
        (Some(kind), Some(parent)) => Some(ObjectId::new(kind.parse().ok()?, in_schema(parent)?)),
        _ => None,
    };
    Some((object, parent))
}
