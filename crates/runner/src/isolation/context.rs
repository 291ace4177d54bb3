//! What a test knows about its schema: the files, and where objects are defined.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Cache;
use crate::config::{Config, ConfigError, Part, Schema};
use crate::{migration::MigrationError, migration::optional, migration::optional_names, migration::select};
use pgproof_sql::Origin;
use pgproof_sql::{Migration, Provenance, Target, discover_rollbacks};

/// A schema under test, or a scratch database (which has no files).
#[derive(Debug)]
pub struct SchemaContext {
    name: String,
    files: Option<(Config, Schema)>,
    optional: Mutex<BTreeMap<String, Migration>>,
    provenance: OnceLock<Provenance>,
    cache: Cache,
}

struct Migrations(Arc<[Migration]>);

struct Rollbacks(Arc<[Migration]>);

impl SchemaContext {
    /// The context of a configured schema.
    pub fn of(config: Config, schema: Schema) -> SchemaContext {
        SchemaContext::new(schema.name.clone(), Some((config, schema)))
    }

    /// The context of a database without migrations.
    pub fn scratch() -> SchemaContext {
        SchemaContext::new("scratch".to_owned(), None)
    }

    fn new(name: String, files: Option<(Config, Schema)>) -> SchemaContext {
        let (optional, provenance, cache) = (Mutex::default(), OnceLock::new(), Cache::default());
        SchemaContext { name, files, optional, provenance, cache }
    }

    /// The schema's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The migrations, read and split at the first call.
    pub fn migrations(&self) -> Result<Arc<[Migration]>, MigrationError> {
        let read = self.cache.get(|| match &self.files {
            Some((config, schema)) => select(config, schema).map(|read| Migrations(read.into())),
            None => Ok(Migrations(Arc::default())),
        })?;
        Ok(Arc::clone(&read.0))
    }

    /// An optional migration, whether it is applied or not; read and split at the first call.
    pub fn optional(&self, name: &str) -> Result<Migration, MigrationError> {
        let mut read = self.optional.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(name) {
            return Ok(known.clone());
        }
        match &self.files {
            Some((config, schema)) => {
                let found = optional(config, schema, name)?;
                read.insert(name.to_owned(), found.clone());
                Ok(found)
            }
            None => {
                Err(MigrationError::NoOptional { schema: self.name.clone(), name: name.to_owned(), known: Vec::new() })
            }
        }
    }

    /// The optional migrations that are applied.
    pub fn with(&self) -> Vec<String> {
        let Some((config, schema)) = &self.files else { return Vec::new() };
        // A name may belong to another schema.
        let names = optional_names(config, schema).unwrap_or_default();
        names.into_iter().filter(|name| config.with.contains(name)).collect()
    }

    /// Whether this optional migration is among those applied.
    pub fn is_with(&self, name: &str) -> bool {
        self.with().iter().any(|with| with == name)
    }

    /// The down migrations, the last one first; read and split at the first call.
    pub fn rollbacks(&self) -> Result<Arc<[Migration]>, MigrationError> {
        let read = self.cache.get(|| match &self.files {
            Some((config, Schema { rollback: Some(directory), .. })) => {
                let read = discover_rollbacks(&config.path(directory), &config.root)?;
                Ok::<_, MigrationError>(Rollbacks(read.into()))
            }
            _ => Ok(Rollbacks(Arc::default())),
        })?;
        Ok(Arc::clone(&read.0))
    }

    /// A fixture file of the schema: its path as shown in messages, and its real path.
    pub fn fixture(&self, name: &str) -> (PathBuf, PathBuf) {
        match &self.files {
            Some((config, schema)) => {
                let path = config.path(schema.fixtures.as_deref().unwrap_or(Path::new("fixtures"))).join(name);
                (config.shown(&path), path)
            }
            None => (PathBuf::from(name), PathBuf::from(name)),
        }
    }

    /// A file of the schema, named relative to the configuration.
    pub fn file(&self, relative: &str) -> Option<PathBuf> {
        self.files.as_ref().map(|(config, _)| config.path(Path::new(relative)))
    }

    /// The configuration and the schema in it; none for a scratch database.
    pub fn configured(&self) -> Option<&(Config, Schema)> {
        self.files.as_ref()
    }

    /// What a subsystem reads of the configuration; none for a scratch database, or if the schema lacks the table.
    pub fn part<T: Part>(&self) -> Result<Option<Arc<T>>, ConfigError> {
        self.files.as_ref().map_or(Ok(None), |(_, schema)| schema.part())
    }

    /// What was found out about the migrations once, and is true for every database of the schema.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Where the migrations define an object or insert a row. Files are read at the first call: only failures need it.
    pub fn made_at(&self, target: &Target) -> Option<Origin> {
        let provenance = self.provenance.get_or_init(|| {
            let migrations = self.migrations().unwrap_or_default();
            Provenance::of(&migrations)
        });
        provenance.find(target).cloned()
    }
}
