//! What the row generator reads of `pgproof.toml`: values for the rows that it makes. `configured` looks the tables and
//! columns up.

use std::collections::BTreeMap;

use pgproof_runner::config::{Part, Subsystem};
use pgproof_sql::QualifiedName;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Table `[schemas.NAME.rows]`: by table and column, an SQL expression over `n`, the number of the row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(pub BTreeMap<QualifiedName, BTreeMap<String, String>>);

impl Part for Rows {
    const OF: Subsystem = Subsystem::Rows;
}

impl<'de> Deserialize<'de> for Rows {
    /// A name that is no name of a table is an error with its line.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rows, D::Error> {
        let read: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::deserialize(deserializer)?;
        let named = read.into_iter().map(|(name, columns)| Ok((name.parse().map_err(D::Error::custom)?, columns)));
        named.collect::<Result<_, _>>().map(Rows)
    }
}
