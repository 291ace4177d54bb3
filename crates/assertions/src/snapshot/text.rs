//! A schema snapshot as text: one line an object, one line a property below it, so that a diff of two snapshots reads as
//! a list of changes.

use std::collections::BTreeMap;
use std::fmt::Write;

use pgproof_sql::{ObjectId, ObjectPattern};

use super::portable::Properties;

/// Begins each line of a value after its first.
const CONTINUED: &str = "    | ";

/// Writes objects in the order of their identities.
pub(crate) fn write(objects: &BTreeMap<ObjectId, Properties>) -> String {
    let mut text = String::new();
    for (object, properties) in objects {
        let _ = writeln!(text, "{object}");
        for (property, value) in properties {
            let _ = writeln!(text, "  {property}: {}", value.replace('\n', &format!("\n{CONTINUED}")));
        }
    }
    text
}

/// Reads what [`write`] wrote; the number of the line, from 1, that it could not have written.
pub(crate) fn read(text: &str) -> Result<BTreeMap<ObjectId, Properties>, usize> {
    let mut objects: BTreeMap<ObjectId, Properties> = BTreeMap::new();
    let mut last = None;
    let mut property = None;
    for (number, line) in text.split('\n').enumerate() {
        let wrong = || number + 1;
        if let Some(more) = line.strip_prefix(CONTINUED) {
            let value = last.as_ref().and_then(|object| objects.get_mut(object)?.get_mut(&property?));
            let value: &mut String = value.ok_or_else(wrong)?;
            value.push('\n');
            value.push_str(more);
        } else if let Some(line) = line.strip_prefix("  ") {
            let (name, value) =
                line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))).ok_or_else(wrong)?;
            let name = name.parse().map_err(|()| wrong())?;
            let object = last.as_ref().and_then(|object| objects.get_mut(object)).ok_or_else(wrong)?;
            object.insert(name, value.to_owned());
            property = Some(name);
        } else if !line.is_empty() {
            let pattern: ObjectPattern = line.parse().map_err(|_| wrong())?;
            let object = pattern.named();
            objects.insert(object.clone(), Properties::new());
            last = Some(object);
        }
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::portable::portable;
    use crate::testing::scratch;
    use pgproof_catalog::Objects;

    #[test]
    fn a_snapshot_is_read_as_it_was_written() {
        let mut db = scratch(
            "CREATE SCHEMA \"Shop.1\"; CREATE TABLE \"Shop.1\".\"a b\" (\"select\" int DEFAULT 1, \"x.y\" text NOT NULL);
             CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS E'SELECT 1\n\n-- two: lines\n';
             CREATE DOMAIN d AS text CHECK (VALUE <> ''); CREATE TYPE mood AS ENUM ('a', 'it''s');
             CREATE VIEW v AS SELECT 1 AS one; COMMENT ON VIEW v IS E'first\n  second: third';
             CREATE CAST (int AS mood) WITH INOUT; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
             CREATE EXTENSION pg_trgm;",
        );
        let objects = portable(&Objects::read(db.session()).expect("objects"), &pgproof_catalog::Given::default());
        assert_eq!(read(&write(&objects)), Ok(objects));
    }

    #[test]
    fn a_line_that_is_no_snapshot_is_named() {
        assert_eq!(read("table t\n  comment: x\nnonsense"), Err(3));
        assert_eq!(read("  comment: x"), Err(1));
        assert_eq!(read("table t\n  colour: red"), Err(2));
        assert_eq!(read("table t\n    | more"), Err(2));
    }
}
