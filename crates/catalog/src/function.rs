//! Functions and procedures (documentation, `pg_proc`).

use std::fmt;

use pgproof_sql::{ObjectId, ObjectKind, QualifiedName};
use serde::Deserialize;

/// A function or procedure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `prokind`: f(unction), p(rocedure), a(ggregate), w(indow function).
    pub kind: char,
    /// The types of the input arguments, separated by commas.
    pub types: String,
    /// Its arguments with names, types and defaults, as PostgreSQL prints them.
    pub arguments: String,
    /// What it returns; `None` for a procedure.
    pub result: Option<String>,
    /// Its language.
    pub language: String,
    /// Its body as written; empty if PostgreSQL stores it parsed.
    pub source: String,
    /// Its volatility.
    pub volatility: Volatility,
    /// Whether it runs with the privileges of its owner.
    pub security_definer: bool,
    /// Whether it returns NULL on NULL input without being called.
    pub strict: bool,
    /// Settings that apply while it runs, as `name=value`.
    pub settings: Vec<String>,
}

impl Function {
    /// Which object it is.
    pub fn id(&self) -> ObjectId {
        let kind = match self.kind {
            'p' => ObjectKind::Procedure,
            'a' => ObjectKind::Aggregate,
            _ => ObjectKind::Function,
        };
        ObjectId::function(kind, QualifiedName::in_schema(&self.schema, &self.name), &self.types)
    }
}

/// The volatility of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Volatility {
    /// Always the same result for the same arguments.
    #[serde(rename = "i")]
    Immutable,
    /// The same result within a statement.
    #[serde(rename = "s")]
    Stable,
    /// Any result, at any time.
    #[serde(rename = "v")]
    Volatile,
}

impl fmt::Display for Volatility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Volatility::Immutable => "IMMUTABLE",
            Volatility::Stable => "STABLE",
            Volatility::Volatile => "VOLATILE",
        })
    }
}
