//! The diff between two sets of objects. It is data; its `Display` is the sentence shown in reports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pgproof_sql::{Change, Identifier, ObjectId, ObjectKind, Property};

use super::Objects;

/// How an object differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It was not there, and is.
    Added(ObjectId),
    /// It was there, and is not.
    Removed(ObjectId),
    /// A property has a different value; `None` if the object does not have the property.
    Altered {
        /// The object.
        object: ObjectId,
        /// The property.
        property: Property,
        /// What it was.
        from: Option<String>,
        /// What it is.
        to: Option<String>,
    },
    /// The existing columns are in a different order.
    Reordered {
        /// The table or view.
        object: ObjectId,
        /// The old order.
        from: Vec<Identifier>,
        /// The new order.
        to: Vec<Identifier>,
    },
}

impl Difference {
    /// The object that differs.
    pub fn object(&self) -> &ObjectId {
        match self {
            Difference::Added(object)
            | Difference::Removed(object)
            | Difference::Altered { object, .. }
            | Difference::Reordered { object, .. } => object,
        }
    }

    /// The property that differs, if the difference is in a property.
    pub fn property(&self) -> Option<Property> {
        match self {
            Difference::Altered { property, .. } => Some(*property),
            _ => None,
        }
    }

    /// The kind of difference.
    pub fn change(&self) -> Change {
        match self {
            Difference::Added(_) => Change::Added,
            Difference::Removed(_) => Change::Removed,
            Difference::Altered { .. } => Change::Altered,
            Difference::Reordered { .. } => Change::Reordered,
        }
    }

    /// What has two values: the property, or the columns.
    pub fn what(&self) -> &'static str {
        match self {
            Difference::Reordered { .. } => "order of columns",
            other => other.property().map_or("existence", Property::name),
        }
    }

    /// The new and the old value in one line each, cut to where they begin to differ.
    pub fn values(&self) -> (String, String) {
        let (old, new) = self.whole_values();
        excerpts(new.as_deref().unwrap_or("none"), old.as_deref().unwrap_or("none"))
    }

    /// The old and the new value; none if the object does not exist or does not have the property.
    pub fn whole_values(&self) -> (Option<String>, Option<String>) {
        match self {
            Difference::Added(_) | Difference::Removed(_) => (None, None),
            Difference::Altered { from, to, .. } => (from.clone(), to.clone()),
            Difference::Reordered { from, to, .. } => (Some(in_line(from)), Some(in_line(to))),
        }
    }

    /// Whether it concerns only the order of columns.
    pub fn is_order(&self) -> bool {
        self.change() == Change::Reordered
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Added(object) => write!(f, "{object} was added"),
            Difference::Removed(object) => write!(f, "{object} was removed"),
            Difference::Altered { object, property, .. } => {
                let (to, from) = self.values();
                write!(f, "{object}: {property} is {to}, was {from}")
            }
            Difference::Reordered { object, from, to } => {
                write!(f, "{object}: the columns are {}, were {}", in_line(to), in_line(from))
            }
        }
    }
}

pub(super) fn between(before: &Objects, after: &Objects) -> Vec<Difference> {
    let mut differences = Vec::new();
    let removed: BTreeSet<&ObjectId> = before.objects.keys().filter(|object| !after.contains(object)).collect();
    let added: BTreeSet<&ObjectId> = after.objects.keys().filter(|object| !before.contains(object)).collect();
    // Objects added or removed along with a table are not reported separately.
    let alone = |objects: &Objects, object: &ObjectId, others: &BTreeSet<&ObjectId>| {
        let parent = objects.objects.get(object).and_then(|described| described.parent.as_ref());
        parent.is_none_or(|parent| !others.contains(parent))
    };
    differences.extend(
        removed.iter().filter(|object| alone(before, object, &removed)).map(|o| Difference::Removed((*o).clone())),
    );
    differences
        .extend(added.iter().filter(|object| alone(after, object, &added)).map(|o| Difference::Added((*o).clone())));
    for (object, was) in &before.objects {
        let Some(is) = after.objects.get(object) else { continue };
        let properties: BTreeSet<&Property> = was.properties.keys().chain(is.properties.keys()).collect();
        for property in properties.into_iter().filter(|property| **property != Property::Position) {
            let (from, to) = (was.properties.get(property).cloned(), is.properties.get(property).cloned());
            if from != to {
                differences.push(Difference::Altered { object: object.clone(), property: *property, from, to });
            }
        }
    }
    let (was, is) = (columns(before), columns(after));
    for (object, was) in was {
        let Some(is) = is.get(&object) else { continue };
        let common = |order: &[Identifier], other: &[Identifier]| {
            order.iter().filter(|column| other.contains(column)).cloned().collect::<Vec<_>>()
        };
        let (from, to) = (common(&was, is), common(is, &was));
        if from != to {
            differences.push(Difference::Reordered { object, from, to });
        }
    }
    differences
}

/// The columns of each table and view, in order.
fn columns(objects: &Objects) -> BTreeMap<ObjectId, Vec<Identifier>> {
    let mut positions: BTreeMap<ObjectId, BTreeMap<i32, Identifier>> = BTreeMap::new();
    for (object, described) in objects.objects.iter().filter(|(object, _)| object.kind() == ObjectKind::Column) {
        let position = described.properties.get(&Property::Position).and_then(|position| position.parse().ok());
        if let (Some(table), Some(position)) = (&described.parent, position) {
            positions.entry(table.clone()).or_default().insert(position, object.name().clone());
        }
    }
    positions.into_iter().map(|(table, columns)| (table, columns.into_values().collect())).collect()
}

fn in_line(names: &[Identifier]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Two values for a sentence, one line each; long values are cut to the part where they begin to differ.
fn excerpts(one: &str, other: &str) -> (String, String) {
    const MOST: usize = 100;
    const BEFORE: usize = 30;
    let line = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
    let (one, other) = (line(one), line(other));
    if one.chars().count().max(other.chars().count()) <= MOST {
        return (one, other);
    }
    let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(BEFORE);
    let part = |value: &str| {
        let before = if from > 0 { "…" } else { "" };
        let after = if value.chars().count() > from + MOST { "…" } else { "" };
        format!("{before}{}{after}", value.chars().skip(from).take(MOST).collect::<String>())
    };
    (part(&one), part(&other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgproof_runner::Sandbox;

    fn differences(before: &str, change: &str) -> String {
        let mut db = Sandbox::scratch(before).unwrap();
        let was = Objects::read(db.session()).unwrap();
        db.alter(change).unwrap();
        let is = Objects::read(db.session()).unwrap();
        let told: Vec<String> = is.differences_from(&was).iter().map(ToString::to_string).collect();
        assert_eq!(
            told.is_empty() || is.differences_from(&was).iter().all(Difference::is_order),
            is.fingerprint() == was.fingerprint()
        );
        // PostgreSQL 17 added MAINTAIN.
        told.join("\n").replace("arwdDxtm", "arwdDxt")
    }

    #[test]
    fn each_difference_is_a_sentence() {
        let before = "CREATE TABLE a (id int PRIMARY KEY, b text DEFAULT 'x'); CREATE INDEX a_b ON a (b);
            CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x + 1'; CREATE TYPE mood AS ENUM ('good', 'bad');
            CREATE VIEW v AS SELECT id FROM a; CREATE TABLE gone (x int);";
        let change = "DROP INDEX a_b; ALTER TABLE a ALTER b SET DEFAULT 'y', ADD c int, ENABLE ROW LEVEL SECURITY;
            CREATE POLICY p ON a USING (true); CREATE OR REPLACE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x + 2';
            ALTER TYPE mood ADD VALUE 'fair' BEFORE 'bad'; GRANT SELECT ON v TO PUBLIC; DROP TABLE gone;
            COMMENT ON TABLE a IS 'letters'; CREATE SEQUENCE s";
        insta::assert_snapshot!(differences(before, change), @"
        table gone was removed
        index a_b was removed
        sequence s was added
        column a.c was added
        policy a.p was added
        table a: comment is letters, was none
        table a: row security is enabled, was disabled
        view v: privileges is =r/postgres, postgres=arwdDxt/postgres, was postgres=arwdDxt/postgres
        column a.b: default is 'y'::text, was 'x'::text
        function f(integer): body is SELECT x + 2, was SELECT x + 1
        enum mood: labels is 'good', 'fair', 'bad', was 'good', 'bad'
        ");
    }

    #[test]
    fn order_of_columns_is_a_difference_of_its_own() {
        let before = "CREATE TABLE a (x int, y int, z int)";
        insta::assert_snapshot!(differences(before, "ALTER TABLE a DROP x, ADD x int"), @"table a: the columns are y, z, x, were x, y, z");
    }

    #[test]
    fn another_function_of_the_same_name_changes_no_trigger() {
        let before =
            "CREATE TABLE a (x int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()";
        let change = "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'";
        assert_eq!(differences(before, change), "function f(integer) was added");
    }

    #[test]
    fn what_is_dropped_and_re_created_is_no_difference() {
        let before = "CREATE TABLE a (id int PRIMARY KEY, b text); CREATE VIEW v AS SELECT b FROM a";
        assert_eq!(differences(before, &format!("DROP VIEW v; DROP TABLE a; {before}")), "");
    }
}
