//! What the role may do: in the database, in the schemas in which the migrations create objects, and to the objects that
//! are there already.

use std::collections::BTreeSet;

use pgproof_runner::Schema;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;
use pgproof_sql::{Identifier, Migration, ObjectKind, Provenance};

use super::{Check, IntoCheck, Outcome, Problem, Subject};
use crate::Target;

/// How many names a line shows.
const SHOWN: usize = 5;

/// The relations, functions and types outside of extensions that the role does not own: kind, schema, name, owner.
const OTHERS: &str = include_str!("others.sql");

/// The three checks.
pub(super) fn privileges(
    session: &mut Session,
    schema: &Schema,
    migrations: &[Migration],
    target: &Target,
) -> Vec<Check> {
    let provenance = Provenance::of(migrations);
    let created: BTreeSet<&str> = provenance
        .objects()
        .filter(|object| object.kind() == ObjectKind::Schema)
        .map(|object| object.name().as_str())
        .collect();
    let role = Identifier::new(target.address.get("user").unwrap_or_default()).sql();
    vec![
        on_database(session, target, &role, &created).into_check(Subject::DatabasePrivileges),
        on_schemas(session, schema, &role, &created).into_check(Subject::SchemaPrivileges),
        ownership(session, &provenance, &role).into_check(Subject::Ownership),
    ]
}

fn on_database(
    session: &mut Session,
    target: &Target,
    role: &str,
    created: &BTreeSet<&str>,
) -> Result<Outcome, DatabaseError> {
    let may = session.value("SELECT has_database_privilege(current_database(), 'CREATE')")?.as_deref() == Some("t");
    let missing = created.iter().filter(|_| !may).map(|name| {
        let exists = format!("SELECT 1 FROM pg_namespace WHERE nspname = {}", literal(name));
        Ok(session.value(&exists)?.is_none().then_some(*name))
    });
    let missing: Vec<&str> = missing.collect::<Result<Vec<_>, DatabaseError>>()?.into_iter().flatten().collect();
    Ok(match (may, missing.as_slice()) {
        (true, _) => Outcome::Fine("CREATE: schemas and trusted extensions can be created".to_owned()),
        (false, []) => Outcome::Fine("no CREATE, which the migrations need for no schema".to_owned()),
        (false, missing) => Outcome::Problem(Problem::new(
            format!("no CREATE, but the migrations create schema {}", missing.join(", ")),
            [format!("GRANT CREATE ON DATABASE {} TO {role}", Identifier::new(target.database()).sql())],
        )),
    })
}

fn on_schemas(
    session: &mut Session,
    schema: &Schema,
    role: &str,
    created: &BTreeSet<&str>,
) -> Result<Outcome, DatabaseError> {
    let usual = ["public".to_owned()];
    let names = if schema.search_path.is_empty() { &usual[..] } else { &schema.search_path };
    let (mut fine, mut found, mut remedy) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let query = format!(
            "SELECT has_schema_privilege(oid, 'CREATE'), has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = {}",
            literal(name)
        );
        let quoted = Identifier::new(name.as_str()).sql();
        let Some(row) = session.rows(&query)?.into_iter().next() else {
            if created.contains(name.as_str()) {
                fine.push(format!("{name} is created by the migrations"));
            } else {
                found.push(format!("schema {name} does not exist"));
                remedy.push(format!("CREATE SCHEMA {quoted} AUTHORIZATION {role}"));
            }
            continue;
        };
        let is = |at: usize| row.get(at).and_then(Option::as_deref) == Some("t");
        let missing: Vec<&str> =
            [("CREATE", is(0)), ("USAGE", is(1))].iter().filter(|(_, is)| !is).map(|(p, _)| *p).collect();
        if missing.is_empty() {
            fine.push(format!("CREATE and USAGE on {name}"));
        } else {
            found.push(format!("no {} on schema {name}", missing.join(" and ")));
            remedy.push(format!("have the schema's owner, or the administrator of a managed database, run: GRANT ALL ON SCHEMA {quoted} TO {role}"));
        }
    }
    Ok(if found.is_empty() {
        Outcome::Fine(fine.join(", "))
    } else {
        Outcome::Problem(Problem::new(found.join("; "), remedy))
    })
}

fn ownership(session: &mut Session, provenance: &Provenance, role: &str) -> Result<Outcome, DatabaseError> {
    // The search path of a migration may vary, so objects are compared without their schemas.
    let named = |kinds: fn(ObjectKind) -> bool| -> BTreeSet<&str> {
        provenance.objects().filter(|object| kinds(object.kind())).map(|object| object.name().as_str()).collect()
    };
    let (relations, others) = (named(ObjectKind::is_relation), named(|kind| !kind.is_relation()));
    let rows = session.rows(OTHERS)?;
    let text = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    let is_ours = |row: &Vec<Option<String>>| {
        let name = text(row, 2);
        let names = if text(row, 0) == "relation" { &relations } else { &others };
        names.contains(name.as_str())
    };
    let (foreign, owned): (Vec<_>, Vec<_>) = rows.into_iter().filter(is_ours).partition(|row| text(row, 4) != "t");
    if foreign.is_empty() {
        return Ok(Outcome::Fine(match owned.len() {
            0 => "none of the migrations' objects exists yet".to_owned(),
            count => format!("{count} objects of the migrations exist, and the role owns them"),
        }));
    }
    let owners: BTreeSet<String> = foreign.iter().map(|row| text(row, 3)).collect();
    let names: Vec<String> = foreign.iter().take(SHOWN).map(|row| text(row, 2)).collect();
    let more = if foreign.len() > SHOWN { ", …" } else { "" };
    let owners: Vec<String> = owners.into_iter().collect();
    Ok(Outcome::Problem(Problem::new(
        format!(
            "{} of {} objects belong to {}, and only an owner may alter them: {}{more}",
            foreign.len(),
            foreign.len() + owned.len(),
            owners.join(", "),
            names.join(", ")
        ),
        [
            format!("migrate as {}, which created them", owners.join(" or ")),
            format!("or have an administrator hand each of them over: ALTER … {} OWNER TO {role}", names[0]),
        ],
    )))
}
