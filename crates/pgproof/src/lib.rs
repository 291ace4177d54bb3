//! The only dependency of a suite: assertions about a schema, and the databases to check them on.

pub mod configuration;
pub mod fixture;
pub mod vocabulary;

pub use pgproof_assertions as assertions;
pub use pgproof_catalog::row;
pub use pgproof_server::{Attempt, DatabaseError, Reported};

/// Migrations as files and statements, and the results of applying them.
pub mod migration {
    pub use pgproof_runner::migration::{Applied, MigrationError, Outcome};
    pub use pgproof_sql::{Migration, Origin, Source, SourceError, Statement, split};
}

/// Names and properties of objects, for assertions of your own: what their subjects and pins are made of.
/// `examples/own_assertion.rs` is one.
pub mod object {
    pub use pgproof_sql::quote;
    pub use pgproof_sql::{Identifier, ObjectId, ObjectKind, Property, QualifiedName, Target};
}

pub use pgproof_catalog as catalog;
pub use pgproof_plans as plans;
pub use pgproof_rerun as rerun;
pub use pgproof_tenancy as tenancy;

/// What a suite needs.
pub mod prelude {
    pub use pgproof_assertions::assertion::Assertion;
    pub use pgproof_assertions::check::Check;
    pub use pgproof_assertions::count::schema;
    pub use pgproof_assertions::declared::Deferrable;
    pub use pgproof_assertions::expectation::expected;
    pub use pgproof_assertions::extension::extension;
    pub use pgproof_assertions::foreign_key::Action;
    pub use pgproof_assertions::function::function;
    pub use pgproof_assertions::index::index;
    pub use pgproof_assertions::lines::{ColumnLine, ForeignKeyLine, IndexLine, picked};
    pub use pgproof_assertions::observe::Observe;
    pub use pgproof_assertions::privilege::{Privilege, role};
    pub use pgproof_assertions::query::query;
    pub use pgproof_assertions::sequence::sequence;
    pub use pgproof_assertions::snapshot::CheckSchema;
    pub use pgproof_assertions::table::{table, tables};
    pub use pgproof_assertions::view::{materialized_view, view};
    pub use pgproof_catalog::{Event, PolicyCommand, Timing, Volatility};
    pub use pgproof_plans::PlanClaims;
    pub use pgproof_rerun::{database_of, migrations};
    pub use pgproof_runner::{CloneDatabase, Sandbox};
}
