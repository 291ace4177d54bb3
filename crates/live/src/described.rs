//! A database as its catalog describes it, in terms in which two servers can be compared: whoever applied the migrations
//! has one name, and every name its schema.

use pgproof_catalog::{Given, Objects, is_own, owner_of};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;
use pgproof_sql::{Identifier, ObjectId, ObjectKind, Property};

/// The settings of the database, and of roles in it.
const SETTINGS: &str = include_str!("described/settings.sql");

/// The objects of a session's database, with [`pgproof_catalog::OWNER`] for the role that applied the migrations: `owner`,
/// or else whoever owns most of the relations. `database` is what the database is called in the result. The session's search
/// path is empty afterwards.
pub fn described(session: &mut Session, database: &str, owner: Option<&Identifier>) -> Result<Objects, DatabaseError> {
    // Names are printed with their schemas if they are not on the search path, so it must not vary.
    session.run("SET search_path TO ''")?;
    let owner = owner.map_or_else(|| owner_of(session), |owner| Ok(owner.as_str().to_owned()))?;
    let given = Given::of(session)?.by(&owner);
    let mut objects = Objects::read(session)?.portable(&given);
    objects.retain(|object, _| !is_own(object));
    // What a minor version changes says nothing about the migrations.
    objects.forget(&[Property::Version, Property::Cost]);
    let settings = session.value(&SETTINGS.replace(":owner", &literal(&owner)))?;
    let settings = settings.unwrap_or_else(|| "none".to_owned());
    objects.set(ObjectId::global(ObjectKind::Database, database), Property::Settings, settings);
    Ok(objects)
}
