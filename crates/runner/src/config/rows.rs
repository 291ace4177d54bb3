//! Table `[schemas.NAME.rows]`: values for the rows that are generated. Whether the tables and columns exist, the row
//! generator looks up.

use std::collections::BTreeMap;

use pgproof_sql::QualifiedName;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// By table and column, an SQL expression over `n`, the number of the row.
pub type Rows = BTreeMap<QualifiedName, BTreeMap<String, String>>;

/// Reads the table. A name that is no name of a table is an error with its line.
pub(super) fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rows, D::Error> {
    let read: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::deserialize(deserializer)?;
    read.into_iter().map(|(name, columns)| Ok((name.parse().map_err(D::Error::custom)?, columns))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Read {
        #[serde(deserialize_with = "rows")]
        rows: Rows,
    }

    #[test]
    fn tables_may_have_a_schema() {
        let read: Read = toml::from_str("[rows.orders]\nnumber = \"'A-' || n\"\n[rows.\"audit.log\"]\nlevel = \"3\"\n")
            .expect("good rows");
        assert_eq!(read.rows[&QualifiedName::unqualified("orders")]["number"], "'A-' || n");
        assert_eq!(read.rows[&QualifiedName::in_schema("audit", "log")]["level"], "3");
        let error = toml::from_str::<Read>("[rows.\"a.b.c\"]\nx = \"1\"\n").err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("line 1")));
    }
}
