//! The objects of a database as a snapshot holds them: without what PostgreSQL gives by default, and without what varies
//! between servers and major versions although the migrations are the same.

use std::collections::BTreeMap;

use pgproof_catalog::{Given, OWNER, Objects};
use pgproof_sql::{ObjectId, ObjectKind, Property};

/// The properties of one object that a snapshot holds.
pub(crate) type Properties = BTreeMap<Property, String>;

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

/// The objects as a snapshot holds them.
pub(crate) fn portable(objects: &Objects, given: &Given) -> BTreeMap<ObjectId, Properties> {
    let of_public = given.of_public();
    let mut found: BTreeMap<ObjectId, Properties> = BTreeMap::new();
    let objects = objects.portable(given);
    for (object, described) in objects.iter().filter(|(object, _)| object.kind() != ObjectKind::Database) {
        let is_public = object.kind() == ObjectKind::Schema && *object.name() == "public";
        let is_default = |property: Property, value: &str| {
            if is_public {
                return PUBLIC_SCHEMA.contains(&(property, value))
                    || property == Property::Privileges && value == of_public
                    || property == Property::Owner && value == OWNER;
            }
            DEFAULTS.contains(&(property, value)) || property == Property::Privileges && OWN_PRIVILEGES.contains(&value)
        };
        let held = described
            .properties
            .iter()
            .filter(|(property, value)| is_held(**property) && !is_default(**property, value));
        found.insert(object.clone(), held.map(|(property, value)| (*property, value.clone())).collect());
    }
    for (relation, columns) in columns(&objects) {
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
