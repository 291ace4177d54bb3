//! What a database holds, read in one snapshot: what a dump of it has to bring back.

use std::collections::BTreeMap;

use pgproof_catalog::{Objects, owner_of};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Identifier, QualifiedName};
use serde::{Deserialize, Serialize};

use super::rows::{self, TableDigest};
use crate::described::described;

/// The contents of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The role that applied the migrations, which is called OWNER in `objects`.
    pub owner: String,
    /// The digest of its objects.
    pub fingerprint: String,
    /// Its tables.
    #[serde(with = "by_name")]
    pub tables: BTreeMap<QualifiedName, TableDigest>,
    /// How many large objects it has.
    pub large_objects: u64,
    /// Its objects with all their properties.
    pub objects: Objects,
}

impl Contents {
    /// Reads a session's database, in the transaction that the session has begun. `database` is what it is called in the
    /// result. `step` is called with each table before it is read.
    pub(super) fn read(
        session: &mut Session,
        database: &str,
        owner: Option<&Identifier>,
        step: &mut dyn FnMut(&QualifiedName),
    ) -> Result<Contents, DatabaseError> {
        rows::prepare(session)?;
        let owner = owner.map_or_else(|| owner_of(session), |owner| Ok(owner.as_str().to_owned()))?;
        let objects = described(session, database, Some(&Identifier::new(&owner)))?;
        let mut tables = BTreeMap::new();
        for table in rows::tables(session)? {
            step(&table);
            tables.insert(table.clone(), rows::digest(session, &table)?);
        }
        let large_objects = rows::large_objects(session)?;
        Ok(Contents { owner, fingerprint: objects.fingerprint(), tables, large_objects, objects })
    }

    /// How many rows its tables have.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }
}

/// A map by names as an object of JSON: `"shop.orders": …`.
pub(super) mod by_name {
    use std::collections::BTreeMap;

    use pgproof_sql::QualifiedName;
    use serde::de::{DeserializeOwned, Error};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer, V: Serialize>(
        map: &BTreeMap<QualifiedName, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(name, value)| (name.to_string(), value)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, V: DeserializeOwned>(
        deserializer: D,
    ) -> Result<BTreeMap<QualifiedName, V>, D::Error> {
        let map = BTreeMap::<String, V>::deserialize(deserializer)?.into_iter();
        map.map(|(name, value)| Ok((name.parse().map_err(D::Error::custom)?, value))).collect()
    }
}
