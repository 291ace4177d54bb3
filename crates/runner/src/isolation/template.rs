//! The template of a schema: the database that has all its migrations applied, created once per run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::access::{Access, Owners};
use super::pool::Pool;
use super::{Cache, IsolationError, SchemaContext};
use crate::{config::Config, config::ConfigError, config::Schema};
use crate::{migration::Applied, migration::apply};
use crate::{process, process::Ready, process::RunContext};
use pgproof_server::{DatabaseError, ServerConfig, Session};
use pgproof_server::{Owner, ServerHandle, Source};
use pgproof_sql::Migration;
use pgproof_sql::quote::identifier;

/// A migrated database to create clones from, and its server.
#[derive(Debug)]
pub struct Template {
    /// What the tests know about the schema.
    pub context: Arc<SchemaContext>,
    pub(super) server: &'static RunContext,
    /// The role that owns the databases, if it is not the server's user.
    owner: Option<Owner>,
    /// Who logs in: to run migrations, and for everything else.
    pub(super) access: Access,
    /// Whether it and its copies are dropped when they are no longer used, rather than with the server.
    for_a_while: bool,
    /// None if clones are empty databases.
    pub(super) database: Option<String>,
    /// Clones created in advance.
    pub(super) spare: Mutex<Vec<String>>,
    /// The name of the template in this process.
    pub(super) key: String,
    /// SQL to run in each session with a clone before it is used.
    pub(super) preparation: String,
    /// What was read from its copies.
    pub(super) cache: Cache,
    /// Sessions with copies that nobody uses.
    pub(super) pool: Pool,
}

impl Template {
    /// The template of the schema of this name, created at the first call in this process unless `verify` created it.
    pub fn of(name: &str) -> Result<Arc<Template>, IsolationError> {
        Template::in_config(Config::find, name)
    }

    /// The same with a given configuration, which is used only at the first call in this process.
    pub fn in_config(
        config: impl FnOnce() -> Result<Config, ConfigError>,
        name: &str,
    ) -> Result<Arc<Template>, IsolationError> {
        shared(name, || {
            let config = config()?;
            let schema = config.schema(name)?.clone();
            let server = process::server(&config.server).map_err(IsolationError::SharedServer)?;
            let context = Arc::new(SchemaContext::of(config, schema.clone()));
            let ready = match server.schemas.get(name).cloned() {
                Some(ready) => ready,
                None => build_template(&server.cluster, &schema, &context.migrations()?, &server.owners)?.0,
            };
            Ok(Template {
                context,
                server,
                access: Access::of(&server.cluster, ready.owner.as_ref()),
                for_a_while: false,
                owner: ready.owner,
                database: Some(ready.template),
                spare: Mutex::new(ready.clones),
                key: name.to_owned(),
                preparation: String::new(),
                cache: Cache::default(),
                pool: Pool::default(),
            })
        })
    }

    /// An empty database, for tests that create their own objects.
    pub fn scratch() -> Result<Arc<Template>, IsolationError> {
        Template::scratch_in(|| match Config::find() {
            Ok(config) => Ok(config.server),
            Err(ConfigError::NotFound { .. }) => Ok(ServerConfig::default()),
            Err(error) => Err(error),
        })
    }

    /// The same on the server that is configured so, if this process has none yet.
    pub fn scratch_on(server: &ServerConfig) -> Result<Arc<Template>, IsolationError> {
        Template::scratch_in(|| Ok(server.clone()))
    }

    fn scratch_in(config: impl FnOnce() -> Result<ServerConfig, ConfigError>) -> Result<Arc<Template>, IsolationError> {
        shared("", || {
            let server = process::server(&config()?).map_err(IsolationError::SharedServer)?;
            let context = Arc::new(SchemaContext::scratch());
            Ok(Template {
                context,
                server,
                owner: None,
                access: Access::of(&server.cluster, None),
                for_a_while: false,
                database: None,
                spare: Mutex::default(),
                key: String::new(),
                preparation: String::new(),
                cache: Cache::default(),
                pool: Pool::default(),
            })
        })
    }

    /// A template derived from this one: `build` changes a clone of it in a separate session and returns the SQL that
    /// each session with a copy must run first. Created at the first call with this `label` in this process.
    pub fn derived<E: std::error::Error + Send + Sync + 'static>(
        self: &Arc<Template>,
        label: &str,
        build: impl FnOnce(&mut Session, &SchemaContext) -> Result<String, E>,
    ) -> Result<Arc<Template>, IsolationError> {
        let key = format!("{}:{label}", self.key);
        shared(&key, || {
            let database = self.clone_database()?;
            let mut session = self.session(&database)?;
            let built = build(&mut session, &self.context);
            let preparation = built
                .map_err(|source| IsolationError::Derived { label: label.to_owned(), source: Box::new(source) })?;
            let mut derived = self.like(key.clone(), Some(database));
            derived.preparation = preparation;
            Ok(derived)
        })
    }

    /// The same database for somebody else's SQL: all sessions with its copies log in as `owner`, which owns them, with
    /// these options of the backend. Without an owner, as the server's user.
    pub fn for_somebody_else(
        self: &Arc<Template>,
        owner: Option<Owner>,
        options: &str,
    ) -> Result<Arc<Template>, IsolationError> {
        let key = format!("{}:somebody else", self.key);
        shared(&key, || {
            let address = owner.as_ref().map_or(&self.server.cluster.address, |owner| &owner.address).clone();
            let options = [address.get("options").unwrap_or_default(), options].join(" ");
            let address = address.with("options", options.trim());
            let mut theirs = self.like(key.clone(), self.database.clone());
            theirs.owner = owner;
            theirs.access = Access { migrations: address.clone(), others: address };
            Ok(theirs)
        })
    }

    /// A template of what one of its copies contains now, which is dropped with its copies when they are no longer used.
    pub(super) fn frozen(&self, copy: &str) -> Result<Arc<Template>, IsolationError> {
        let database = self.new_database(Source::Copy(copy))?;
        let mut frozen = self.like(format!("{}:{database}", self.key), Some(database));
        frozen.for_a_while = true;
        Ok(Arc::new(frozen))
    }

    /// A template of one of its copies.
    pub(super) fn of_copy(&self, copy: String) -> Arc<Template> {
        Arc::new(self.like(format!("{}:{copy}", self.key), Some(copy)))
    }

    /// A template of the same server, schema and access.
    fn like(&self, key: String, database: Option<String>) -> Template {
        Template {
            context: Arc::clone(&self.context),
            server: self.server,
            owner: self.owner.clone(),
            access: self.access.clone(),
            for_a_while: self.for_a_while,
            database,
            spare: Mutex::default(),
            key,
            preparation: String::new(),
            cache: Cache::default(),
            pool: Pool::default(),
        }
    }

    /// Drops a copy, unless it lasts as long as the server.
    pub(super) fn drop_if_for_a_while(&self, database: &str) {
        if self.for_a_while {
            // What is left is removed with the server.
            let _ = self.server.cluster.drop_database(database);
        }
    }

    /// The server.
    pub fn handle(&self) -> &ServerHandle {
        &self.server.cluster
    }

    /// The role that owns the databases, if it is not the server's user.
    pub fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// The name of the database that copies are made of; none if they are empty databases.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Opens a session with a copy.
    pub(super) fn session(&self, database: &str) -> Result<Session, DatabaseError> {
        Session::open(&self.access.others, database)
    }

    /// The name of the template, unique in this process.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What was read once from a copy of the template, and is true of all.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The major version of the server.
    pub fn major(&self) -> u16 {
        self.server.cluster.version.major
    }

    /// A prepared session with an unused clone.
    pub(super) fn fresh_session(&self) -> Result<Session, IsolationError> {
        let mut session = self.session(&self.clone_database()?)?;
        session.run(&self.preparation)?;
        Ok(session)
    }

    /// The name of an unused clone.
    pub(super) fn clone_database(&self) -> Result<String, IsolationError> {
        if let Some(spare) = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(spare);
        }
        self.new_database(self.database.as_deref().map_or(Source::Nothing, Source::Copy))
    }

    /// The name of a new empty database.
    pub(super) fn empty_database(&self) -> Result<String, IsolationError> {
        self.new_database(Source::Nothing)
    }

    fn new_database(&self, source: Source<'_>) -> Result<String, IsolationError> {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let label = format!("{}_{}_{number}", self.context.name(), std::process::id());
        let mut maintenance = self.server.cluster.maintenance()?;
        let database = self.server.cluster.create_database(&mut maintenance, &label, source, self.owner.as_ref())?;
        // A copy has the setting of its template.
        if let (Source::Nothing, Some((_, schema))) = (source, self.context.configured()) {
            set_search_path(&mut maintenance, &database, schema)?;
        }
        if let (Source::Nothing, Some(owner)) = (source, &self.owner) {
            let extensions = self.context.configured().map(|(_, schema)| schema.extensions.as_slice());
            self.server.cluster.hand_over(&database, owner, extensions.unwrap_or_default())?;
        }
        Ok(database)
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        if let Some(database) = self.database.clone() {
            self.drop_if_for_a_while(&database);
        }
    }
}

/// Creates the template of a schema with these migrations, without clones. Returns it and the result of each migration.
/// `owners` are the roles that already own databases of this run.
pub fn build_template(
    handle: &ServerHandle,
    schema: &Schema,
    migrations: &[Migration],
    owners: &Owners,
) -> Result<(Ready, Vec<Applied>), IsolationError> {
    let owner = schema.owner.as_ref().map(|role| owners.get(handle, role, migrations)).transpose()?;
    let mut maintenance = handle.maintenance()?;
    let template = handle.create_database(&mut maintenance, &schema.name, Source::Nothing, owner.as_ref())?;
    set_search_path(&mut maintenance, &template, schema)?;
    drop(maintenance);
    if let Some(owner) = &owner {
        handle.hand_over(&template, owner, &schema.extensions)?;
    }
    let mut session = Session::open(&Access::of(handle, owner.as_ref()).migrations, &template)?;
    let applied = apply(&mut session, migrations, schema.transaction)?;
    Ok((Ready { template, clones: Vec::new(), owner }, applied))
}

/// Gives a database the configured search path, for every session with it.
fn set_search_path(maintenance: &mut Session, database: &str, schema: &Schema) -> Result<(), DatabaseError> {
    if schema.search_path.is_empty() {
        return Ok(());
    }
    let path: Vec<_> = schema.search_path.iter().map(|name| identifier(name)).collect();
    maintenance.run(&format!("ALTER DATABASE {} SET search_path TO {}", identifier(database), path.join(", ")))
}

/// Creates `count` clones of a schema's template in advance and returns their names.
pub fn prepare_clones(
    handle: &ServerHandle,
    schema: &Schema,
    ready: &Ready,
    count: usize,
) -> Result<Vec<String>, IsolationError> {
    let mut maintenance = handle.maintenance()?;
    let label = |number| format!("{}_spare_{number}", schema.name);
    let made = (0..count).map(|number| {
        let source = Source::Copy(&ready.template);
        handle.create_database(&mut maintenance, &label(number), source, ready.owner.as_ref())
    });
    Ok(made.collect::<Result<_, _>>()?)
}

type Made = Arc<OnceLock<Result<Arc<Template>, Arc<IsolationError>>>>;

/// The template of this name, created by the first caller while the others wait.
fn shared(
    name: &str,
    make: impl FnOnce() -> Result<Template, IsolationError>,
) -> Result<Arc<Template>, IsolationError> {
    static TEMPLATES: Mutex<Option<HashMap<String, Made>>> = Mutex::new(None);
    let made = {
        let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(templates.get_or_insert_default().entry(name.to_owned()).or_default())
    };
    let result = made.get_or_init(|| make().map(Arc::new).map_err(Arc::new));
    result.clone().map_err(IsolationError::SharedTemplate)
}
