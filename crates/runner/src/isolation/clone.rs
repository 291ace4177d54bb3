//! A clone: a separate database, for what a transaction cannot contain. It is removed with the server.

use std::sync::Arc;

use super::{IsolationError, SchemaContext, Template};
use crate::{migration::Applied, migration::MigrationError, migration::apply};
use pgproof_server::DatabaseError;
use pgproof_server::Session;
use pgproof_sql::Migration;
use pgproof_sql::Transaction;

/// A copy of a schema's template for one test alone.
pub struct CloneDatabase {
    template: Arc<Template>,
    name: String,
    /// Whether it belongs to a template now.
    is_given_away: bool,
}

impl Drop for CloneDatabase {
    fn drop(&mut self) {
        if !self.is_given_away {
            self.template.drop_if_for_a_while(&self.name);
        }
    }
}

impl CloneDatabase {
    /// A clone of the schema of this name in `pgproof.toml`.
    pub fn of(schema: &str) -> Result<CloneDatabase, IsolationError> {
        CloneDatabase::from(Template::of(schema)?)
    }

    /// An empty database.
    pub fn scratch() -> Result<CloneDatabase, IsolationError> {
        CloneDatabase::from(Template::scratch()?)
    }

    /// A separate empty database, for a test of the schema of `template`.
    pub fn empty_for(template: &Arc<Template>) -> Result<CloneDatabase, IsolationError> {
        let name = template.empty_database()?;
        Ok(CloneDatabase { template: Arc::clone(template), name, is_given_away: false })
    }

    /// A copy of a template.
    pub fn copy_of(template: &Arc<Template>) -> Result<CloneDatabase, IsolationError> {
        CloneDatabase::from(Arc::clone(template))
    }

    fn from(template: Arc<Template>) -> Result<CloneDatabase, IsolationError> {
        let name = template.clone_database()?;
        Ok(CloneDatabase { template, name, is_given_away: false })
    }

    /// A template of what the clone contains now, for a while: it and its copies are dropped when they are no longer used.
    /// Nobody may be connected to the clone.
    pub fn frozen(&self) -> Result<Arc<Template>, IsolationError> {
        self.template.frozen(&self.name)
    }

    /// The clone as a template. Nobody may be connected to it.
    pub fn into_template(mut self) -> Arc<Template> {
        self.is_given_away = true;
        self.template.of_copy(self.name.clone())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the test knows about the schema.
    pub fn context(&self) -> &Arc<SchemaContext> {
        &self.template.context
    }

    /// What one transaction covers when migrations are applied.
    pub fn transaction(&self) -> Transaction {
        self.context().configured().map(|(_, schema)| schema.transaction).unwrap_or_default()
    }

    /// Opens a session with the clone.
    pub fn session(&self) -> Result<Session, DatabaseError> {
        self.template.session(&self.name)
    }

    /// Opens a session with the clone for migrations: as the role that owns it, if a role of its own does.
    pub fn migration_session(&self) -> Result<Session, DatabaseError> {
        Session::open(&self.template.access.migrations, &self.name)
    }

    /// The same, with an error that names the first file that cannot be applied.
    pub fn session_for(&self, migrations: &[Migration]) -> Result<Session, MigrationError> {
        let file = migrations.first().map(|migration| migration.file.clone()).unwrap_or_default();
        self.migration_session().map_err(|source| MigrationError::Session { file, source })
    }

    /// Applies migrations, in a session of their own.
    pub fn apply(&self, migrations: &[Migration]) -> Result<Vec<Applied>, MigrationError> {
        let mut session = self.session_for(migrations)?;
        apply(&mut session, migrations, self.transaction())
    }
}
