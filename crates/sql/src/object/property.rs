//! Properties of objects: what of an object can be looked at, asserted, and differ.

use std::fmt;
use std::str::FromStr;

/// A property. Which kinds of objects have it, the catalog says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Property {
    /// That it is there.
    Existence,
    /// Who owns it.
    Owner,
    /// Who may do what with it.
    Privileges,
    /// Its comment.
    Comment,
    /// Its definition as PostgreSQL prints it, where no other property says the same.
    Definition,
    /// Its storage or view options (`WITH (…)`).
    Options,
    /// The tablespace, where it is not the default.
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
    /// Whether row security binds the owner too.
    ForcedRowSecurity,
    /// What identifies a row in logical replication.
    ReplicaIdentity,
    /// The table or index access method.
    AccessMethod,
    /// The server of a foreign table.
    Server,
    /// The options of a foreign table.
    ForeignOptions,
    /// Whether a materialized view holds rows.
    Populated,
    /// The type.
    Type,
    /// The collation, where it is not the type's.
    Collation,
    /// Whether NULL is rejected.
    NotNull,
    /// The default.
    Default,
    /// The expression of a generated column.
    Generated,
    /// Whether it is an identity column, and of which kind.
    Identity,
    /// How values are stored, where it is not as the type says.
    Storage,
    /// The compression method.
    Compression,
    /// The statistics target.
    StatisticsTarget,
    /// Where a column stands among the others.
    Position,
    /// Whether a constraint is inherited.
    Inheritance,
    /// The expression of a CHECK.
    Expression,
    /// Whether a constraint was checked for the rows before it.
    Validated,
    /// Whether a constraint is enforced.
    Enforced,
    /// Whether a constraint can be checked at the end of the transaction, and is initially.
    Deferrable,
    /// The columns of a key or foreign key.
    Columns,
    /// The table and columns that a foreign key references.
    References,
    /// What deleting a referenced row does.
    OnDelete,
    /// What updating a referenced key does.
    OnUpdate,
    /// MATCH FULL or SIMPLE.
    Match,
    /// Whether an index rejects duplicates.
    Unique,
    /// The key columns and expressions of an index, with collation, operator class and order.
    Keys,
    /// The columns that an index includes.
    Include,
    /// The condition of a partial index.
    Predicate,
    /// Whether two NULLs are duplicates.
    NullsNotDistinct,
    /// Whether an index can be used.
    Valid,
    /// Whether CLUSTER uses an index.
    Clustered,
    /// When a trigger fires.
    Timing,
    /// What a trigger fires on.
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
    /// The command that a policy is for.
    Command,
    /// The roles that a policy is for.
    Roles,
    /// Which rows a policy shows.
    Using,
    /// Which rows a policy lets be written.
    WithCheck,
    /// The start of a sequence.
    Start,
    /// The increment of a sequence.
    Increment,
    /// The least number of a sequence.
    Minimum,
    /// The largest number of a sequence.
    Maximum,
    /// How many numbers a session takes at once.
    Cache,
    /// Whether a sequence starts again.
    Cycle,
    /// The column that a sequence goes with.
    OwnedBy,
    /// A function's arguments with names and defaults.
    Arguments,
    /// What a function returns.
    Result,
    /// The language of a function.
    Language,
    /// The body of a function.
    Body,
    /// What the planner may assume of a function's results.
    Volatility,
    /// With whose rights a function runs.
    Security,
    /// Whether NULL in gives NULL out without a call.
    Strict,
    /// Whether a function may run in parallel.
    Parallel,
    /// Whether a function reveals nothing of its arguments.
    Leakproof,
    /// The settings that hold while a function runs.
    Settings,
    /// The planner's cost and rows of a function.
    Cost,
    /// The labels of an enum, in order.
    Labels,
    /// The attributes of a composite type.
    Attributes,
    /// The type that a domain restricts.
    BaseType,
    /// The type of a range's bounds.
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
    /// That tenants do not reach each other's rows of a table.
    Isolation,
    /// What running migrations again does.
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

    /// What it is called in reports and in `pgproof.toml`.
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
