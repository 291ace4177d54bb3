//! Kinds of objects, in PostgreSQL's terms.

use std::fmt;
use std::str::FromStr;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ObjectKind {
    /// A database.
    Database,
    /// A schema.
    Schema,
    /// An ordinary or partitioned table.
    Table,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A foreign table.
    ForeignTable,
    /// A sequence.
    Sequence,
    /// A column of a table or view.
    Column,
    /// A constraint of a table.
    Constraint,
    /// A constraint of a domain.
    DomainConstraint,
    /// An index.
    Index,
    /// A trigger of a table or view.
    Trigger,
    /// A rule of a table or view.
    Rule,
    /// A row security policy of a table.
    Policy,
    /// A statistics object.
    Statistics,
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// An aggregate.
    Aggregate,
    /// A domain.
    Domain,
    /// An enum type.
    Enum,
    /// A composite type.
    CompositeType,
    /// A range type.
    RangeType,
    /// Another type.
    Type,
    /// A collation.
    Collation,
    /// A cast.
    Cast,
    /// An operator.
    Operator,
    /// An extension.
    Extension,
    /// An event trigger.
    EventTrigger,
    /// A publication.
    Publication,
    /// Default privileges.
    DefaultPrivileges,
    /// A role.
    Role,
    /// A query of a suite or of a workload.
    Query,
    /// The migrations of a schema under test.
    Migrations,
}

impl ObjectKind {
    /// All of them.
    pub const ALL: [ObjectKind; 33] = [
        ObjectKind::Database,
        ObjectKind::Schema,
        ObjectKind::Table,
        ObjectKind::View,
        ObjectKind::MaterializedView,
        ObjectKind::ForeignTable,
        ObjectKind::Sequence,
        ObjectKind::Column,
        ObjectKind::Constraint,
        ObjectKind::DomainConstraint,
        ObjectKind::Index,
        ObjectKind::Trigger,
        ObjectKind::Rule,
        ObjectKind::Policy,
        ObjectKind::Statistics,
        ObjectKind::Function,
        ObjectKind::Procedure,
        ObjectKind::Aggregate,
        ObjectKind::Domain,
        ObjectKind::Enum,
        ObjectKind::CompositeType,
        ObjectKind::RangeType,
        ObjectKind::Type,
        ObjectKind::Collation,
        ObjectKind::Cast,
        ObjectKind::Operator,
        ObjectKind::Extension,
        ObjectKind::EventTrigger,
        ObjectKind::Publication,
        ObjectKind::DefaultPrivileges,
        ObjectKind::Role,
        ObjectKind::Query,
        ObjectKind::Migrations,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            ObjectKind::Database => "database",
            ObjectKind::Schema => "schema",
            ObjectKind::Table => "table",
            ObjectKind::View => "view",
            ObjectKind::MaterializedView => "materialized view",
            ObjectKind::ForeignTable => "foreign table",
            ObjectKind::Sequence => "sequence",
            ObjectKind::Column => "column",
            ObjectKind::Constraint => "constraint",
            ObjectKind::DomainConstraint => "domain constraint",
            ObjectKind::Index => "index",
            ObjectKind::Trigger => "trigger",
            ObjectKind::Rule => "rule",
            ObjectKind::Policy => "policy",
            ObjectKind::Statistics => "statistics object",
            ObjectKind::Function => "function",
            ObjectKind::Procedure => "procedure",
            ObjectKind::Aggregate => "aggregate",
            ObjectKind::Domain => "domain",
            ObjectKind::Enum => "enum",
            ObjectKind::CompositeType => "composite type",
            ObjectKind::RangeType => "range type",
            ObjectKind::Type => "type",
            ObjectKind::Collation => "collation",
            ObjectKind::Cast => "cast",
            ObjectKind::Operator => "operator",
            ObjectKind::Extension => "extension",
            ObjectKind::EventTrigger => "event trigger",
            ObjectKind::Publication => "publication",
            ObjectKind::DefaultPrivileges => "default privileges",
            ObjectKind::Role => "role",
            ObjectKind::Query => "query",
            ObjectKind::Migrations => "migrations",
        }
    }

    /// Whether its name is unique only within a table, view or domain.
    pub fn belongs_to_relation(self) -> bool {
        matches!(
            self,
            ObjectKind::Column
                | ObjectKind::Constraint
                | ObjectKind::DomainConstraint
                | ObjectKind::Trigger
                | ObjectKind::Rule
                | ObjectKind::Policy
        )
    }

    /// Whether several objects with the same name can differ in their arguments.
    pub fn has_arguments(self) -> bool {
        matches!(self, ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate)
    }

    /// Whether it is defined by a query.
    pub fn is_view(self) -> bool {
        matches!(self, ObjectKind::View | ObjectKind::MaterializedView)
    }

    /// Whether it shares a namespace with tables.
    pub fn is_relation(self) -> bool {
        matches!(
            self,
            ObjectKind::Table
                | ObjectKind::View
                | ObjectKind::MaterializedView
                | ObjectKind::ForeignTable
                | ObjectKind::Sequence
        )
    }

    /// Whether it belongs to a schema.
    pub fn is_in_schema(self) -> bool {
        !matches!(
            self,
            ObjectKind::Database
                | ObjectKind::Schema
                | ObjectKind::Cast
                | ObjectKind::Operator
                | ObjectKind::Extension
                | ObjectKind::EventTrigger
                | ObjectKind::Publication
                | ObjectKind::DefaultPrivileges
                | ObjectKind::Role
                | ObjectKind::Query
                | ObjectKind::Migrations
        )
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ObjectKind {
    type Err = ();

    fn from_str(text: &str) -> Result<ObjectKind, ()> {
        ObjectKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}
