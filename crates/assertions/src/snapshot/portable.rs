//! The objects of a database as a snapshot holds them: without what PostgreSQL gives by default, and without what varies
//! between servers and major versions although the migrations are the same.

use std::collections::{BTreeMap, BTreeSet};

use pgproof_catalog::Objects;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{ObjectId, ObjectKind, Property};

/// The properties of one object that a snapshot holds.
pub(crate) type Properties = BTreeMap<Property, String>;

/// Stands for the role that applied the migrations, whose name is the server's.
const OWNER: &str = "OWNER";

/// What PostgreSQL gives if nothing is said.
const DEFAULTS: &[(Property, &str)] = &[
    (Property::Owner, OWNER),
    (Property::Persistence, "permanent"),
    (Property::Partitioning, "none"),
    (Property::RowSecurity, "disabled"),
    (Property::ForcedRowSecurity, "disabled"),
    (Property::ReplicaIdentity, "d"),
    (Property::AccessMethod, "heap"),
    (Property::AccessMethod, "btree"),
    (Property::NotNull, "false"),
    (Property::Validated, "true"),
    (Property::Enforced, "true"),
    (Property::Deferrable, "no"),
    (Property::Match, "SIMPLE"),
    (Property::OnDelete, "NO ACTION"),
    (Property::OnUpdate, "NO ACTION"),
    (Property::Valid, "true"),
    (Property::Unique, "false"),
    (Property::NullsNotDistinct, "false"),
    (Property::Level, "ROW"),
    (Property::Enabled, "origin"),
    (Property::Volatility, "VOLATILE"),
    (Property::Strict, "false"),
    (Property::Parallel, "UNSAFE"),
    (Property::Leakproof, "false"),
    (Property::Security, "INVOKER"),
    (Property::Cache, "1"),
    (Property::Cycle, "false"),
    (Property::Populated, "true"),
];

/// What a role may do with its own object, by kind, and PUBLIC with it.
const OWN_PRIVILEGES: [&str; 5] =
    ["OWNER=arwdDxt/OWNER", "OWNER=rwU/OWNER", "=X/OWNER, OWNER=X/OWNER", "=U/OWNER, OWNER=U/OWNER", "OWNER=UC/OWNER"];

/// What a new database says of its schema `public`: the privileges from PostgreSQL 15 on, and the comment.
const PUBLIC_SCHEMA: [(Property, &str); 2] =
    [(Property::Privileges, "=U/OWNER, OWNER=UC/OWNER"), (Property::Comment, "standard public schema")];

/// What the server gives every database.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The role that applied the migrations.
    pub owner: String,
    /// Who owns the schema `public` of a new database.
    pub owner_of_public: String,
    /// The privileges of that schema: before PostgreSQL 15, PUBLIC may create objects there.
    pub privileges_of_public: String,
}

impl Given {
    /// What a session's server gives.
    pub(crate) fn of(session: &mut Session) -> Result<Given, DatabaseError> {
        const GIVEN: &str =
            "SELECT session_user, min(split_part(p::text, '/', 2)), string_agg(p::text, ', ' ORDER BY p::text)
            FROM (SELECT unnest(initprivs) AS p FROM pg_init_privs
                  WHERE classoid = 'pg_namespace'::regclass AND objoid = to_regnamespace('public')) AS given";
        let mut row = session.rows(GIVEN)?.into_iter().flatten().map(Option::unwrap_or_default);
        let mut next = || row.next().unwrap_or_default();
        Ok(Given { owner: next(), owner_of_public: next(), privileges_of_public: next() })
    }
}

/// The objects as a snapshot holds them.
pub(crate) fn portable(objects: &Objects, given: &Given) -> BTreeMap<ObjectId, Properties> {
    let mut found: BTreeMap<ObjectId, Properties> = BTreeMap::new();
    for (object, described) in objects.iter().filter(|(object, _)| object.kind() != ObjectKind::Database) {
        let is_public = object.kind() == ObjectKind::Schema && *object.name() == "public";
        let owners = if is_public { vec![&given.owner, &given.owner_of_public] } else { vec![&given.owner] };
        let is_default = |property: Property, value: &str| {
            if is_public {
                let given = privileges(&given.privileges_of_public, &owners);
                return PUBLIC_SCHEMA.contains(&(property, value))
                    || property == Property::Privileges && value == given
                    || property == Property::Owner && value == OWNER;
            }
            DEFAULTS.contains(&(property, value)) || property == Property::Privileges && OWN_PRIVILEGES.contains(&value)
        };
        let mut properties = Properties::new();
        for (property, value) in &described.properties {
            let value = match property {
                _ if !is_held(*property) => continue,
                Property::Owner if owners.contains(&value) => OWNER.to_owned(),
                Property::Privileges => privileges(value, &owners),
                _ => value.clone(),
            };
            if !is_default(*property, &value) {
                properties.insert(*property, value);
            }
        }
        found.insert(object.clone(), properties);
    }
    for (relation, columns) in columns(objects) {
        if let Some(properties) = found.get_mut(&relation) {
            properties.insert(Property::Columns, columns.join(", "));
        }
    }
    found
}

/// Whether a snapshot holds this property of the catalog.
pub(crate) fn is_held(property: Property) -> bool {
    !matches!(
        property,
        Property::Rows | Property::Position | Property::Version | Property::Cost | Property::StatisticsTarget
    )
}

/// Privileges with the owner's name replaced, and without MAINTAIN, which exists from PostgreSQL 17 on.
fn privileges(value: &str, owners: &[&String]) -> String {
    let name = |name: &str| if owners.iter().any(|owner| *owner == name) { OWNER.to_owned() } else { name.to_owned() };
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

/// The columns of each relation, in order.
fn columns(objects: &Objects) -> BTreeMap<ObjectId, Vec<String>> {
    let mut found: BTreeMap<ObjectId, Vec<(u32, String)>> = BTreeMap::new();
    for (object, described) in objects.iter().filter(|(object, _)| object.kind() == ObjectKind::Column) {
        let position = described.properties.get(&Property::Position).and_then(|text| text.parse().ok());
        if let (Some(relation), Some(position)) = (&described.parent, position) {
            found.entry(relation.clone()).or_default().push((position, object.name().to_string()));
        }
    }
    let in_order = |mut columns: Vec<(u32, String)>| {
        columns.sort();
        columns.into_iter().map(|(_, name)| name).collect()
    };
    found.into_iter().map(|(relation, columns)| (relation, in_order(columns))).collect()
}
