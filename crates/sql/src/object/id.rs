//! The identity of an object.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::kind::ObjectKind;
use crate::name::{Identifier, QualifiedName};

/// An object: its kind, its schema, the table, view or domain it belongs to, its name, and a function's argument types.
///
/// Displayed without the schema `public`: `column orders.total`, `policy shop.orders.own_rows`, `function
/// shop.total(integer)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectId {
    kind: ObjectKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Identifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relation: Option<Identifier>,
    name: Identifier,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arguments: Option<String>,
}

impl ObjectId {
    /// An object that belongs directly to a schema: a table, an index, a type.
    pub fn new(kind: ObjectKind, name: impl Into<QualifiedName>) -> ObjectId {
        let name = name.into();
        let schema = name.schema().cloned();
        ObjectId { kind, schema, relation: None, name: name.name().clone(), arguments: None }
    }

    /// An object without a schema: an extension, a role.
    pub fn global(kind: ObjectKind, name: impl Into<String>) -> ObjectId {
        ObjectId { kind, schema: None, relation: None, name: Identifier::new(name.into()), arguments: None }
    }

    /// A table.
    pub fn table(name: impl Into<QualifiedName>) -> ObjectId {
        ObjectId::new(ObjectKind::Table, name)
    }

    /// An index.
    pub fn index(name: impl Into<QualifiedName>) -> ObjectId {
        ObjectId::new(ObjectKind::Index, name)
    }

    /// An object that belongs to a table, view or domain: a column, a trigger, a policy.
    pub fn of(kind: ObjectKind, relation: &QualifiedName, name: impl Into<Identifier>) -> ObjectId {
        let (schema, relation) = (relation.schema().cloned(), Some(relation.name().clone()));
        ObjectId { kind, schema, relation, name: name.into(), arguments: None }
    }

    /// A column.
    pub fn column(table: &QualifiedName, name: impl Into<Identifier>) -> ObjectId {
        ObjectId::of(ObjectKind::Column, table, name)
    }

    /// A constraint of a table.
    pub fn constraint(table: &QualifiedName, name: impl Into<Identifier>) -> ObjectId {
        ObjectId::of(ObjectKind::Constraint, table, name)
    }

    /// A function, procedure or aggregate with its input types, as `pg_get_function_identity_arguments` prints them: in
    /// call order, separated by commas.
    pub fn function(kind: ObjectKind, name: impl Into<QualifiedName>, arguments: impl Into<String>) -> ObjectId {
        ObjectId { arguments: Some(arguments.into()), ..ObjectId::new(kind, name) }
    }

    /// The kind.
    pub fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// The schema, if known.
    pub fn schema(&self) -> Option<&Identifier> {
        self.schema.as_ref()
    }

    /// The name within its schema or relation.
    pub fn name(&self) -> &Identifier {
        &self.name
    }

    /// The types of a function's arguments.
    pub fn arguments(&self) -> Option<&str> {
        self.arguments.as_deref()
    }

    /// The name with the schema, for an object that does not belong to a relation.
    pub fn qualified_name(&self) -> QualifiedName {
        self.in_its_schema(&self.name)
    }

    /// The table, view or domain it belongs to.
    pub fn relation(&self) -> Option<QualifiedName> {
        self.relation.as_ref().map(|relation| self.in_its_schema(relation))
    }

    /// The same object in this schema.
    pub fn in_schema(mut self, schema: &str) -> ObjectId {
        self.schema = Some(Identifier::new(schema));
        self
    }

    /// What is known of the object that this name denotes: of exactly this one; without a schema, of the one in `public`;
    /// else of the only one that it may be.
    pub fn find_in<'a, V>(&self, known: &'a HashMap<ObjectId, V>) -> Option<(&'a ObjectId, &'a V)> {
        let in_public = || known.get_key_value(&self.clone().in_schema("public")).filter(|_| self.schema.is_none());
        let only = || {
            let mut same = known.iter().filter(|(other, _)| self.may_be(other));
            same.next().filter(|_| same.next().is_none())
        };
        known.get_key_value(self).or_else(in_public).or_else(only)
    }

    /// Whether this name, which may lack its schema or argument types, can denote that object.
    pub fn may_be(&self, other: &ObjectId) -> bool {
        other.name == self.name
            && (other.kind == self.kind || other.kind.is_relation() && self.kind.is_relation())
            && (self.schema.is_none() || other.schema == self.schema)
            && other.relation == self.relation
    }

    fn in_its_schema(&self, name: &Identifier) -> QualifiedName {
        match &self.schema {
            Some(schema) => QualifiedName::in_schema(schema.as_str(), name.as_str()),
            None => QualifiedName::unqualified(Identifier::new(name.as_str())),
        }
    }

    /// How it appears in a sentence, without its kind.
    pub fn shown(&self) -> String {
        if !self.kind.is_in_schema() {
            // A query or a cast is text, not a name.
            return self.name.as_str().to_owned();
        }
        let schema = self.schema.as_ref().filter(|schema| **schema != "public");
        let parts: Vec<String> =
            [schema, self.relation.as_ref(), Some(&self.name)].into_iter().flatten().map(ToString::to_string).collect();
        let arguments = self.arguments.as_ref().map(|types| format!("({types})")).unwrap_or_default();
        format!("{}{arguments}", parts.join("."))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_shown_as_a_sentence_has_it() {
        let items = QualifiedName::in_schema("shop", "Order.Items");
        assert_eq!(ObjectId::column(&items, "select").to_string(), "column shop.\"Order.Items\".select");
        assert_eq!(ObjectId::table("public.orders").to_string(), "table orders");
        let total = ObjectId::function(ObjectKind::Function, "shop.total", "integer, text");
        assert_eq!(total.to_string(), "function shop.total(integer, text)");
        assert_eq!(ObjectId::global(ObjectKind::Extension, "uuid-ossp").to_string(), "extension uuid-ossp");
    }
}
