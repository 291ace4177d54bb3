//! The tables of a schema that subsystems read themselves. What is in them, each subsystem's crate says with a type of
//! its own; this file gives it the table, and an error the place in the file.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Config, ConfigError, Schema};
use crate::cache::Cache;

/// A table of `[schemas.NAME]` that a subsystem reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subsystem {
    /// The row generator: `[schemas.NAME.rows]`.
    Rows,
    /// Query plans: `[schemas.NAME.plans]`.
    Plans,
    /// Migrations that are run again: `[schemas.NAME.rerun]`.
    Rerun,
    /// Tenant isolation: `[schemas.NAME.tenancy]`.
    Tenancy,
}

/// What a subsystem reads of `pgproof.toml`: the content of its table.
pub trait Part: DeserializeOwned + Send + Sync + 'static {
    /// Whose table it is.
    const OF: Subsystem;
}

/// A table of its own in `pgproof.toml`, beside `[schemas]`, that a crate reads itself.
pub trait TopPart: DeserializeOwned + Default + Send + Sync + 'static {
    /// The key of the table.
    const KEY: &'static str;
}

impl Subsystem {
    /// All of them.
    pub const ALL: [Subsystem; 4] = [Subsystem::Rows, Subsystem::Plans, Subsystem::Rerun, Subsystem::Tenancy];

    /// The key of its table.
    pub fn key(self) -> &'static str {
        match self {
            Subsystem::Rows => "rows",
            Subsystem::Plans => "plans",
            Subsystem::Rerun => "rerun",
            Subsystem::Tenancy => "tenancy",
        }
    }
}

/// The file of a schema, and what subsystems have read of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    file: Arc<(PathBuf, String)>,
    read: Arc<Cache>,
}

impl Parts {
    pub(super) fn of(file: Arc<(PathBuf, String)>) -> Parts {
        Parts { file, read: Arc::default() }
    }

    /// The table at a place of the file, if it is there; read at the first call for this type.
    fn at<T: DeserializeOwned + Send + Sync + 'static>(&self, place: &[&str]) -> Result<Option<Arc<T>>, ConfigError> {
        let read = self.read.get(|| {
            let (path, text) = &*self.file;
            let table = At { place, table: PhantomData::<T> };
            // The whole text once more, because a table may be written in several places of it.
            let found = toml::Deserializer::parse(text).and_then(|document| table.deserialize(document));
            let found = found.map_err(|error| ConfigError::malformed(path, &error))?;
            Ok::<_, ConfigError>(found.map(Arc::new))
        })?;
        Ok((*read).clone())
    }
}

impl Schema {
    /// Whether the file has the table of a subsystem.
    pub fn has(&self, subsystem: Subsystem) -> bool {
        let table = match subsystem {
            Subsystem::Rows => &self.rows,
            Subsystem::Plans => &self.plans,
            Subsystem::Rerun => &self.rerun,
            Subsystem::Tenancy => &self.tenancy,
        };
        table.is_some()
    }

    /// The table of a subsystem, if the file has it; read at the first call. An error names line and key.
    pub fn part<T: Part>(&self) -> Result<Option<Arc<T>>, ConfigError> {
        if !self.has(T::OF) {
            return Ok(None);
        }
        self.parts.at(&["schemas", &self.name, T::OF.key()])
    }
}

impl Config {
    /// A table beside `[schemas]`, read at the first call; its default if the file does not have it. An error names line and key.
    pub fn top_part<T: TopPart>(&self) -> Result<Arc<T>, ConfigError> {
        Ok(self.parts.at(&[T::KEY])?.unwrap_or_default())
    }
}

/// The table at a place of a document; the rest is ignored.
struct At<'a, T> {
    place: &'a [&'a str],
    table: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for At<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        match self.place {
            [] => T::deserialize(deserializer).map(Some),
            _ => deserializer.deserialize_map(self),
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for At<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let Some((key, place)) = self.place.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(next) = map.next_key::<String>()? {
            if next == *key {
                found = map.next_value_seed(At { place, table: PhantomData::<T> })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
