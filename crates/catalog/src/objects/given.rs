//! What differs between the objects of two servers although the same migrations made them: the name of the role that
//! applied them, and what a new database begins with.

use std::collections::BTreeSet;

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Identifier, ObjectId, ObjectKind, Property};

use super::{Described, Objects};

/// Stands for the role that applied the migrations, whose name is the server's.
pub const OWNER: &str = "OWNER";

/// Who owns most of the relations that belong to no extension; else whoever is connected.
const OWNER_OF: &str = include_str!("given/owner.sql");

/// The role that applied the migrations to a session's database, for all that can be told: the owner of most relations.
pub fn owner_of(session: &mut Session) -> Result<String, DatabaseError> {
    Ok(session.value(OWNER_OF)?.unwrap_or_default())
}

/// The schema in which `migrate` keeps its history, where that is asked for: no part of what the migrations make.
const OWN_SCHEMA: &str = "pgproof";

/// Whether an object belongs to the history that `migrate` keeps in a database.
pub fn is_own(object: &ObjectId) -> bool {
    let own = Identifier::new(OWN_SCHEMA);
    object.schema() == Some(&own) || object.kind() == ObjectKind::Schema && *object.name() == own
}

/// What the server gives every database.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The role that applied the migrations.
    pub owner: String,
    /// Who owns the schema `public` of a new database.
    pub owner_of_public: String,
    /// The privileges of that schema: before PostgreSQL 15, PUBLIC may create objects there.
    pub privileges_of_public: String,
}

impl Given {
    /// What a session's server gives; the session's role is taken for the one that applied the migrations.
    pub fn of(session: &mut Session) -> Result<Given, DatabaseError> {
        const GIVEN: &str =
            "SELECT session_user, min(split_part(p::text, '/', 2)), string_agg(p::text, ', ' ORDER BY p::text)
            FROM (SELECT unnest(initprivs) AS p FROM pg_init_privs
                  WHERE classoid = 'pg_namespace'::regclass AND objoid = to_regnamespace('public')) AS given";
        let mut row = session.rows(GIVEN)?.into_iter().flatten().map(Option::unwrap_or_default);
        let mut next = || row.next().unwrap_or_default();
        Ok(Given { owner: next(), owner_of_public: next(), privileges_of_public: next() })
    }

    /// The same, if another role applied the migrations.
    pub fn by(self, owner: &str) -> Given {
        Given { owner: owner.to_owned(), ..self }
    }

    /// The names that [`OWNER`] stands for, at this object.
    fn owners(&self, object: &ObjectId) -> Vec<&str> {
        if is_public(object) { vec![&self.owner, &self.owner_of_public] } else { vec![&self.owner] }
    }
}

impl Objects {
    /// The objects with [`OWNER`] in place of the role that applied the migrations, and without what a major version added
    /// to privileges.
    pub fn portable(&self, given: &Given) -> Objects {
        let described = |(object, described): (&ObjectId, &Described)| {
            let owners = given.owners(object);
            let value = |(property, value): (&Property, &String)| {
                let value = match property {
                    Property::Owner if owners.contains(&&**value) => OWNER.to_owned(),
                    Property::Privileges => privileges(value, &owners),
                    _ => value.clone(),
                };
                (*property, value)
            };
            let properties = described.properties.iter().map(value).collect();
            (object.clone(), Described { parent: described.parent.clone(), properties })
        };
        Objects { objects: self.objects.iter().map(described).collect() }
    }
}

impl Given {
    /// The privileges of `public` in a new database, as [`Objects::portable`] has them.
    pub fn of_public(&self) -> String {
        privileges(&self.privileges_of_public, &[&self.owner, &self.owner_of_public])
    }
}

/// Whether this is the schema that every database has.
fn is_public(object: &ObjectId) -> bool {
    object.kind() == ObjectKind::Schema && *object.name() == "public"
}

/// Privileges with the owner's name replaced, and without MAINTAIN, which exists from PostgreSQL 17 on.
fn privileges(value: &str, owners: &[&str]) -> String {
    let name = |name: &str| if owners.contains(&name) { OWNER.to_owned() } else { name.to_owned() };
    let item = |item: &str| match (item.split_once('='), item.rsplit_once('/')) {
        (Some((grantee, _)), Some((before, grantor))) => {
            let letters = before.split_once('=').map_or("", |(_, letters)| letters).replace('m', "");
            format!("{}={letters}/{}", name(grantee), name(grantor))
        }
        _ => item.to_owned(),
    };
    let items: BTreeSet<String> = value.split(", ").map(item).collect();
    items.into_iter().collect::<Vec<_>>().join(", ")
}
