//! Properties of objects: what can be inspected, asserted and compared.

use std::fmt;
use std::str::FromStr;

/// A property. The catalog defines which kinds of objects have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Property {
    /// Its existence.
    Existence,
    /// Who owns it.
    Owner,
    /// Its privileges.
    Privileges,
    /// Its comment.
    Comment,
    /// Its definition as PostgreSQL prints it, unless another property covers it.
    Definition,
    /// Its storage or view options (`WITH (…)`).
    Options,
    /// The tablespace, if it is not the default.
    Tablespace,
    /// Whether it is permanent, unlogged or temporary.
    Persistence,
    /// Whether a table is partitioned.
    Partitioning,
    /// The partition key.
    PartitionKey,
    /// The bounds of a partition.
    PartitionBound,
    /// The tables it inherits from, or the partitioned table.
    Inherits,
    /// Whether row security is enabled.
    RowSecurity,
    /// Whether row security also applies to the owner.
    ForcedRowSecurity,
    /// What identifies a row in logical replication.
    ReplicaIdentity,
    /// The table or index access method.
    AccessMethod,
    /// The server of a foreign table.
    Server,
    /// The options of a foreign table.
    ForeignOptions,
    /// Whether a materialized view is populated.
    Populated,
    /// The type.
    Type,
    /// The collation, if it is not the type's default.
    Collation,
    /// Whether NULL is rejected.
    NotNull,
    /// The default.
    Default,
    /// The expression of a generated column.
    Generated,
    /// Whether it is an identity column, and of which kind.
    Identity,
    /// How values are stored, if it is not the type's default.
    Storage,
    /// The compression method.
    Compression,
    /// The statistics target.
    StatisticsTarget,
    /// The position of a column.
    Position,
    /// Whether a constraint is inherited.
    Inheritance,
    /// The expression of a CHECK.
    Expression,
    /// Whether a constraint has been validated against existing rows.
    Validated,
    /// Whether a constraint is enforced.
    Enforced,
    /// Whether a constraint is deferrable, and whether it is initially deferred.
    Deferrable,
    /// The columns of a key or foreign key.
    Columns,
    /// The table and columns that a foreign key references.
    References,
    /// The action when a referenced row is deleted.
    OnDelete,
    /// The action when a referenced key is updated.
    OnUpdate,
    /// MATCH FULL or SIMPLE.
    Match,
    /// Whether an index rejects duplicates.
    Unique,
    /// The key columns and expressions of an index, with collation, operator class and order.
    Keys,
    /// The columns in the INCLUDE clause of an index.
    Include,
    /// The condition of a partial index.
    Predicate,
    /// Whether two NULLs count as duplicates.
    NullsNotDistinct,
    /// Whether an index can be used.
    Valid,
    /// Whether a table is clustered on an index.
    Clustered,
    /// When a trigger fires.
    Timing,
    /// The events that fire a trigger.
    Events,
    /// Whether a trigger fires for each row or for each statement.
    Level,
    /// The condition of a trigger.
    When,
    /// The function that is called.
    Function,
    /// When a trigger or rule is enabled.
    Enabled,
    /// Whether a policy is permissive or restrictive.
    PolicyKind,
    /// The command that a policy applies to.
    Command,
    /// The roles that a policy applies to.
    Roles,
    /// The rows that a policy makes visible (USING).
    Using,
    /// The rows that a policy allows to be written (WITH CHECK).
    WithCheck,
    /// The start value of a sequence.
    Start,
    /// The increment of a sequence.
    Increment,
    /// The minimum value of a sequence.
    Minimum,
    /// The maximum value of a sequence.
    Maximum,
    /// How many values a session caches.
    Cache,
    /// Whether a sequence cycles.
    Cycle,
    /// The column that owns a sequence.
    OwnedBy,
    /// A function's arguments with names and defaults.
    Arguments,
    /// What a function returns.
    Result,
    /// The language of a function.
    Language,
    /// The body of a function.
    Body,
    /// The volatility of a function.
    Volatility,
    /// Whether a function runs with the privileges of its owner or its caller.
    Security,
    /// Whether a function returns NULL on NULL input without being called.
    Strict,
    /// Whether a function may run in parallel.
    Parallel,
    /// Whether a function is leakproof.
    Leakproof,
    /// The settings that apply while a function runs.
    Settings,
    /// The planner's cost and row estimates of a function.
    Cost,
    /// The labels of an enum, in order.
    Labels,
    /// The attributes of a composite type.
    Attributes,
    /// The base type of a domain.
    BaseType,
    /// The subtype of a range.
    Subtype,
    /// The version of an extension.
    Version,
    /// The schema of an extension.
    InSchema,
    /// The event of an event trigger.
    Event,
    /// The tags of an event trigger.
    Tags,
    /// What a publication publishes.
    Commands,
    /// The tables of a publication.
    Tables,
    /// When a cast is applied.
    Context,
    /// The rows of a table.
    Rows,
    /// The plan of a query.
    Plan,
    /// That tenants cannot reach each other's rows of a table.
    Isolation,
    /// The effect of running migrations again.
    Rerun,
}

impl Property {
    /// All of them.
    pub const ALL: [Property; 90] = [
        Property::Existence,
        Property::Owner,
        Property::Privileges,
        Property::Comment,
        Property::Definition,
        Property::Options,
        Property::Tablespace,
        Property::Persistence,
        Property::Partitioning,
        Property::PartitionKey,
        Property::PartitionBound,
        Property::Inherits,
        Property::RowSecurity,
        Property::ForcedRowSecurity,
        Property::ReplicaIdentity,
        Property::AccessMethod,
        Property::Server,
        Property::ForeignOptions,
        Property::Populated,
        Property::Type,
        Property::Collation,
        Property::NotNull,
        Property::Default,
        Property::Generated,
        Property::Identity,
        Property::Storage,
        Property::Compression,
        Property::StatisticsTarget,
        Property::Position,
        Property::Inheritance,
        Property::Expression,
        Property::Validated,
        Property::Enforced,
        Property::Deferrable,
        Property::Columns,
        Property::References,
        Property::OnDelete,
        Property::OnUpdate,
        Property::Match,
        Property::Unique,
        Property::Keys,
        Property::Include,
        Property::Predicate,
        Property::NullsNotDistinct,
        Property::Valid,
        Property::Clustered,
        Property::Timing,
        Property::Events,
        Property::Level,
        Property::When,
        Property::Function,
        Property::Enabled,
        Property::PolicyKind,
        Property::Command,
        Property::Roles,
        Property::Using,
        Property::WithCheck,
        Property::Start,
        Property::Increment,
        Property::Minimum,
        Property::Maximum,
        Property::Cache,
        Property::Cycle,
        Property::OwnedBy,
        Property::Arguments,
        Property::Result,
        Property::Language,
        Property::Body,
        Property::Volatility,
        Property::Security,
        Property::Strict,
        Property::Parallel,
        Property::Leakproof,
        Property::Settings,
        Property::Cost,
        Property::Labels,
        Property::Attributes,
        Property::BaseType,
        Property::Subtype,
        Property::Version,
        Property::InSchema,
        Property::Event,
        Property::Tags,
        Property::Commands,
        Property::Tables,
        Property::Context,
        Property::Rows,
        Property::Plan,
        Property::Isolation,
        Property::Rerun,
    ];

    /// Its name in reports and in `pgproof.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Property::Existence => "existence",
            Property::Owner => "owner",
            Property::Privileges => "privileges",
            Property::Comment => "comment",
            Property::Definition => "definition",
            Property::Options => "options",
            Property::Tablespace => "tablespace",
            Property::Persistence => "persistence",
            Property::Partitioning => "partitioning",
            Property::PartitionKey => "partition key",
            Property::PartitionBound => "partition bound",
            Property::Inherits => "inherits",
            Property::RowSecurity => "row security",
            Property::ForcedRowSecurity => "forced row security",
            Property::ReplicaIdentity => "replica identity",
            Property::AccessMethod => "access method",
            Property::Server => "server",
            Property::ForeignOptions => "foreign options",
            Property::Populated => "populated",
            Property::Type => "type",
            Property::Collation => "collation",
            Property::NotNull => "NOT NULL",
            Property::Default => "default",
            Property::Generated => "generated as",
            Property::Identity => "identity",
            Property::Storage => "storage",
            Property::Compression => "compression",
            Property::StatisticsTarget => "statistics target",
            Property::Position => "position",
            Property::Inheritance => "inheritance",
            Property::Expression => "expression",
            Property::Validated => "validated",
            Property::Enforced => "enforced",
            Property::Deferrable => "deferrable",
            Property::Columns => "columns",
            Property::References => "references",
            Property::OnDelete => "on delete",
            Property::OnUpdate => "on update",
            Property::Match => "match",
            Property::Unique => "unique",
            Property::Keys => "key columns",
            Property::Include => "INCLUDE",
            Property::Predicate => "predicate",
            Property::NullsNotDistinct => "NULLS NOT DISTINCT",
            Property::Valid => "valid",
            Property::Clustered => "clustered",
            Property::Timing => "timing",
            Property::Events => "events",
            Property::Level => "level",
            Property::When => "WHEN",
            Property::Function => "function",
            Property::Enabled => "enabled",
            Property::PolicyKind => "policy kind",
            Property::Command => "command",
            Property::Roles => "roles",
            Property::Using => "USING",
            Property::WithCheck => "WITH CHECK",
            Property::Start => "start",
            Property::Increment => "increment",
            Property::Minimum => "minimum",
            Property::Maximum => "maximum",
            Property::Cache => "cache",
            Property::Cycle => "cycle",
            Property::OwnedBy => "owned by",
            Property::Arguments => "arguments",
            Property::Result => "result",
            Property::Language => "language",
            Property::Body => "body",
            Property::Volatility => "volatility",
            Property::Security => "security",
            Property::Strict => "strict",
            Property::Parallel => "parallel",
            Property::Leakproof => "leakproof",
            Property::Settings => "settings",
            Property::Cost => "cost",
            Property::Labels => "labels",
            Property::Attributes => "attributes",
            Property::BaseType => "base type",
            Property::Subtype => "subtype",
            Property::Version => "version",
            Property::InSchema => "schema",
            Property::Event => "event",
            Property::Tags => "tags",
            Property::Commands => "commands",
            Property::Tables => "tables",
            Property::Context => "context",
            Property::Rows => "rows",
            Property::Plan => "plan",
            Property::Isolation => "isolation",
            Property::Rerun => "re-run",
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Property {
    type Err = ();

    fn from_str(text: &str) -> Result<Property, ()> {
        Property::ALL.into_iter().find(|property| property.name() == text).ok_or(())
    }
}
