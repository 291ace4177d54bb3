//! A database as its catalog describes it, in terms in which two servers can be compared: whoever applied the migrations
//! has one name, and every name its schema.

use pgproof_catalog::{Given, Objects};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;
use pgproof_sql::{Identifier, ObjectId, ObjectKind, Property};

/// The schema in which `migrate` keeps its history, where that is asked for: no part of what the migrations make.
pub(crate) const OWN_SCHEMA: &str = "pgproof";

/// Who owns most of the relations that belong to no extension; else whoever is connected.
const OWNER: &str = include_str!("described/owner.sql");

/// The settings of the database, and of roles in it.
const SETTINGS: &str = include_str!("described/settings.sql");

/// The role that applied the migrations, for all that can be told: the owner of most relations.
pub fn owner_of(session: &mut Session) -> Result<String, DatabaseError> {
    Ok(session.value(OWNER)?.unwrap_or_default())
}

/// The objects of a session's database, with [`pgproof_catalog::OWNER`] for the role that applied the migrations: `owner`,
/// or else whoever owns most of the relations. `database` is what the database is called in the result. The session's search
/// path is empty afterwards.
pub fn described(session: &mut Session, database: &str, owner: Option<&Identifier>) -> Result<Objects, DatabaseError> {
    // Names are printed with their schemas if they are not on the search path, so it must not vary.
    session.run("SET search_path TO ''")?;
    let owner = owner.map_or_else(|| owner_of(session), |owner| Ok(owner.as_str().to_owned()))?;
    let given = Given::of(session)?.by(&owner);
    let mut objects = Objects::read(session)?.portable(&given);
    let own = Identifier::new(OWN_SCHEMA);
    objects.retain(|object, _| {
        object.schema() != Some(&own) && !(object.kind() == ObjectKind::Schema && *object.name() == own)
    });
    // What a minor version changes says nothing about the migrations.
    objects.forget(&[Property::Version, Property::Cost]);
    let settings = session.value(&SETTINGS.replace(":owner", &literal(&owner)))?;
    let settings = settings.unwrap_or_else(|| "none".to_owned());
    objects.set(ObjectId::global(ObjectKind::Database, database), Property::Settings, settings);
    Ok(objects)
}
