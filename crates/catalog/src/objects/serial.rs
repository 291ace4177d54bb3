//! Objects as a file: a list, because an object's identity is no text.

use std::collections::BTreeMap;

use pgproof_sql::{ObjectId, Property};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Described, Objects};

/// An object of the list.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    object: ObjectId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<ObjectId>,
    properties: BTreeMap<Property, String>,
}

impl Serialize for Objects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.objects.iter().map(|(object, described)| Entry {
            object: object.clone(),
            parent: described.parent.clone(),
            properties: described.properties.clone(),
        }))
    }
}

impl<'de> Deserialize<'de> for Objects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Objects, D::Error> {
        let entries = Vec::<Entry>::deserialize(deserializer)?.into_iter();
        let described = |entry: Entry| (entry.object, Described { parent: entry.parent, properties: entry.properties });
        Ok(Objects { objects: entries.map(described).collect() })
    }
}

#[cfg(test)]
mod tests {
    use pgproof_runner::Sandbox;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let sql = "CREATE TABLE \"A b\" (id int PRIMARY KEY, t text DEFAULT 'x'); CREATE VIEW v AS SELECT 1;
            CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x + 1'; ALTER TABLE \"A b\" ENABLE ROW LEVEL SECURITY;
            CREATE POLICY p ON \"A b\" USING (true); CREATE EXTENSION pgcrypto; CREATE DOMAIN d AS int CHECK (value > 0)";
        let mut db = Sandbox::scratch(sql).unwrap();
        let objects = Objects::read(db.session()).unwrap();
        let text = serde_json::to_string(&objects).unwrap();
        assert_eq!(serde_json::from_str::<Objects>(&text).unwrap(), objects);
    }
}
