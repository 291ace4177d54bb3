//! The template of a schema: the database that has all its migrations applied, created once per run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::access::Access;
use super::build::{build_template, set_search_path};
use super::pool::Pool;
use super::{Cache, InUse, IsolationError, SchemaContext};
use crate::not_tried;
use crate::{config::Config, config::ConfigError};
use crate::{process, process::RunContext};
use pgproof_server::{DatabaseError, ServerConfig, Session};
use pgproof_server::{Owner, ServerHandle, Source};

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
    /// The database itself, if it is in use: then there are no copies.
    in_use: Option<InUse>,
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
            if let Some(in_use) = server.in_use.get(name) {
                return Ok(Template::of_database_in_use(context, server, in_use.clone(), name));
            }
            demand_own_server(server)?;
            let ready = match server.schemas.get(name).cloned() {
                Some(ready) => ready,
                None => build_template(&server.cluster, &schema, &context.migrations()?, &server.owners)?.0,
            };
            Ok(Template {
                context,
                server,
                access: Access::of(&server.cluster, ready.owner.as_ref()),
                in_use: None,
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

    /// A database that is in use, in place of a template.
    fn of_database_in_use(
        context: Arc<SchemaContext>,
        server: &'static RunContext,
        in_use: InUse,
        name: &str,
    ) -> Template {
        Template {
            context,
            server,
            access: Access::of(&server.cluster, None),
            for_a_while: false,
            owner: None,
            database: Some(in_use.database().to_owned()),
            in_use: Some(in_use),
            spare: Mutex::default(),
            key: name.to_owned(),
            preparation: String::new(),
            cache: Cache::default(),
            pool: Pool::default(),
        }
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
            demand_own_server(server)?;
            let context = Arc::new(SchemaContext::scratch());
            Ok(Template {
                context,
                server,
                owner: None,
                access: Access::of(&server.cluster, None),
                in_use: None,
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
        self.demand_own()?;
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
        self.demand_own()?;
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
            in_use: None,
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

    /// The database itself, if it is one that is in use: there are no copies of it, and its sessions cannot write.
    pub fn in_use(&self) -> Option<&InUse> {
        self.in_use.as_ref()
    }

    /// Denies a database of its own beside one that is in use.
    fn demand_own(&self) -> Result<(), IsolationError> {
        self.in_use.as_ref().map_or(Ok(()), |in_use| Err(denied(in_use)))
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

    /// A session for a sandbox: with an unused clone, or with the database that is in use.
    pub(super) fn sandbox_session(&self) -> Result<Session, IsolationError> {
        let Some(in_use) = &self.in_use else { return self.fresh_session() };
        let path = self.context.configured().map(|(_, schema)| schema.search_path.as_slice()).unwrap_or_default();
        Ok(in_use.session(path)?)
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
        self.demand_own()?;
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

/// Nothing is created on the server of a database that is in use.
fn demand_own_server(server: &RunContext) -> Result<(), IsolationError> {
    server.in_use.values().next().map_or(Ok(()), |in_use| Err(denied(in_use)))
}

fn denied(in_use: &InUse) -> IsolationError {
    not_tried::deny();
    IsolationError::InUse { database: in_use.database().to_owned() }
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
    if let Err(error) = result
        && matches!(**error, IsolationError::InUse { .. })
    {
        // Whoever made it may have been another thread.
        not_tried::deny();
    }
    result.clone().map_err(IsolationError::SharedTemplate)
}
