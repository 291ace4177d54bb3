//! The objects of a database as a snapshot holds them: without what PostgreSQL gives by default, and without what varies
//! between servers and major versions although the migrations are the same.

use std::collections::{BTreeMap, BTreeSet};

use pgproof_catalog::Objects;
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

/// The objects as a snapshot holds them. `owner` is the role that applied the migrations.
pub(crate) fn portable(objects: &Objects, owner: &str) -> BTreeMap<ObjectId, Properties> {
    let mut found: BTreeMap<ObjectId, Properties> = BTreeMap::new();
    for (object, described) in objects.iter().filter(|(object, _)| !is_of_server(object)) {
        let mut properties = Properties::new();
        for (property, value) in &described.properties {
            let value = match property {
                _ if !is_held(*property) => continue,
                Property::Owner if value == owner => OWNER.to_owned(),
                Property::Privileges => privileges(value, owner),
                _ => value.clone(),
            };
            let is_default = DEFAULTS.contains(&(*property, value.as_str()))
                || *property == Property::Privileges && OWN_PRIVILEGES.contains(&value.as_str());
            if !is_default {
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

/// Whether an object is the server's: the schema `public` differs between major versions.
fn is_of_server(object: &ObjectId) -> bool {
    object.kind() == ObjectKind::Schema && *object.name() == "public" || object.kind() == ObjectKind::Database
}

/// Privileges with the owner's name replaced, and without MAINTAIN, which exists from PostgreSQL 17 on.
fn privileges(value: &str, owner: &str) -> String {
    let name = |name: &str| if name == owner { OWNER.to_owned() } else { name.to_owned() };
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
