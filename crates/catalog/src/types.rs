//! Types and extensions (documentation, `pg_type` and `pg_extension`).

use serde::Deserialize;

/// A type that the schema defines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserType {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: UserTypeKind,
    /// How PostgreSQL spells it: with its schema only if the search path does not find it.
    pub spelled: String,
    /// The labels of an enum, in their order.
    pub labels: Vec<String>,
    /// The base type of a domain; the type of a range's bounds.
    pub base: Option<String>,
    /// The definitions of a domain's CHECKs.
    pub checks: Vec<String>,
    /// The types of a composite type's attributes, in their order.
    pub attributes: Vec<String>,
    /// The multirange type of a range, spelled as above.
    pub multirange: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
}

/// The kind of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum UserTypeKind {
    /// CREATE TYPE … AS ENUM.
    #[serde(rename = "e")]
    Enum,
    /// CREATE DOMAIN.
    #[serde(rename = "d")]
    Domain,
    /// CREATE TYPE … AS (…).
    #[serde(rename = "c")]
    Composite,
    /// CREATE TYPE … AS RANGE.
    #[serde(rename = "r")]
    Range,
}

/// An installed extension.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// The schema of its objects.
    pub schema: String,
    /// The installed version.
    pub version: String,
}
