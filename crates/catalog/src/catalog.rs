//! The catalog of a database: typed where code needs it, plus every property of every object as PostgreSQL prints it.
//! Three queries read it, however many objects there are.

use std::sync::Arc;

use pgproof_runner::Sandbox;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::QualifiedName;
use serde::Deserialize;

use crate::constraint::Constraint;
use crate::function::Function;
use crate::index::Index;
use crate::objects::Objects;
use crate::policy::Policy;
use crate::relation::Relation;
use crate::trigger::Trigger;
use crate::types::{Extension, UserType};

/// All objects of a database, ordered by name, except those of PostgreSQL itself and of extensions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Catalog {
    /// The schemas in which unqualified names are looked up.
    pub search_path: Vec<String>,
    /// Tables, views, materialized views, sequences and the like, with their columns.
    pub relations: Vec<Relation>,
    /// Constraints of tables and domains.
    pub constraints: Vec<Constraint>,
    /// Indexes, including those of constraints.
    pub indexes: Vec<Index>,
    /// Enums, domains, composite and range types.
    pub types: Vec<UserType>,
    /// Row security policies.
    pub policies: Vec<Policy>,
    /// Triggers, except those of constraints.
    pub triggers: Vec<Trigger>,
    /// Functions and procedures.
    pub functions: Vec<Function>,
    /// Installed extensions.
    pub extensions: Vec<Extension>,
    /// All of these and all other objects, with every property as PostgreSQL prints it.
    #[serde(skip)]
    pub objects: Objects,
}

/// The statement that returns the typed part as one JSON value.
const READ: &str = concat!(
    "SELECT jsonb_build_object('search_path', to_jsonb(current_schemas(false)), 'relations', (",
    include_str!("relation.sql"),
    "), 'constraints', (",
    include_str!("constraint.sql"),
    "), 'indexes', (",
    include_str!("index.sql"),
    "), 'types', (",
    include_str!("types.sql"),
    "), 'policies', (",
    include_str!("policy.sql"),
    "), 'triggers', (",
    include_str!("trigger.sql"),
    "), 'functions', (",
    include_str!("function.sql"),
    "), 'extensions', (",
    include_str!("extension.sql"),
    "))"
);

impl Catalog {
    /// The catalog of a sandbox. The catalog of the migrated schema is read once per process.
    pub fn of(sandbox: &mut Sandbox) -> Result<Arc<Catalog>, DatabaseError> {
        sandbox.cached(Catalog::read)
    }

    /// Reads the catalog of a session's database.
    pub fn read(session: &mut Session) -> Result<Catalog, DatabaseError> {
        let catalog: Catalog = session.json(READ)?;
        Ok(Catalog { objects: Objects::read(session)?, ..catalog })
    }

    /// The relation with this name, in its schema or found through the search path.
    pub fn relation(&self, name: &QualifiedName) -> Option<&Relation> {
        self.lookup(name, &self.relations, |relation| (&relation.schema, &relation.name))
    }

    /// The relation with this name, if it is a table that accepts rows.
    pub fn table(&self, name: &QualifiedName) -> Option<&Relation> {
        self.relation(name).filter(|relation| relation.kind.is_table())
    }

    /// The index with this name.
    pub fn index(&self, name: &QualifiedName) -> Option<&Index> {
        self.lookup(name, &self.indexes, |index| (&index.schema, &index.name))
    }

    /// The functions and procedures with this name: one for each list of arguments.
    pub fn functions_called(&self, name: &QualifiedName) -> Vec<&Function> {
        let found = |schema: &str| {
            self.functions.iter().filter(|f| f.schema == schema && *name.name() == f.name).collect::<Vec<_>>()
        };
        match name.schema() {
            Some(schema) => found(schema.as_str()),
            None => self.search_path.iter().map(|schema| found(schema)).find(|f| !f.is_empty()).unwrap_or_default(),
        }
    }

    /// The policies of a table.
    pub fn policies_of<'a>(&'a self, table: &'a Relation) -> impl Iterator<Item = &'a Policy> {
        self.policies.iter().filter(|policy| policy.schema == table.schema && policy.table == table.name)
    }

    /// The triggers of a table or view.
    pub fn triggers_of<'a>(&'a self, table: &'a Relation) -> impl Iterator<Item = &'a Trigger> {
        self.triggers.iter().filter(|trigger| trigger.schema == table.schema && trigger.table == table.name)
    }

    /// Every table, including partitions.
    pub fn tables(&self) -> impl Iterator<Item = &Relation> {
        self.relations.iter().filter(|relation| relation.kind.is_table())
    }

    /// The constraints of a table.
    pub fn constraints_of<'a>(&'a self, table: &'a Relation) -> impl Iterator<Item = &'a Constraint> {
        self.constraints
            .iter()
            .filter(|constraint| constraint.schema == table.schema && constraint.table.as_deref() == Some(&table.name))
    }

    /// The indexes of a table.
    pub fn indexes_of<'a>(&'a self, table: &'a Relation) -> impl Iterator<Item = &'a Index> {
        self.indexes.iter().filter(|index| index.schema == table.schema && index.table == table.name)
    }

    /// The name of a relation in sentences: qualified only if the search path does not find it.
    pub fn shown(&self, name: &QualifiedName) -> QualifiedName {
        match name.schema() {
            Some(schema) if self.search_path.first().is_some_and(|first| *schema == *first) => {
                QualifiedName::unqualified(name.name())
            }
            _ => name.clone(),
        }
    }

    fn lookup<'a, T>(
        &self,
        name: &QualifiedName,
        items: &'a [T],
        key: impl Fn(&T) -> (&String, &String),
    ) -> Option<&'a T> {
        let find = |schema: &str| {
            items.iter().find(|item| {
                let (in_schema, called) = key(item);
                in_schema == schema && *name.name() == *called
            })
        };
        match name.schema() {
            Some(schema) => find(schema.as_str()),
            None => self.search_path.iter().find_map(|schema| find(schema)),
        }
    }
}
