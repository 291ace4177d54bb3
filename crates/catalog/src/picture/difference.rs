//! What differs between two pictures, told object by object.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{ObjectName, POSITION, Picture};

/// How an object differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It was there, and is not.
    Gone(ObjectName),
    /// It was not there, and is.
    New(ObjectName),
    /// An attribute of it has another value; none where it has not that attribute.
    Changed {
        /// The object.
        object: ObjectName,
        /// The attribute.
        attribute: String,
        /// What it was.
        was: Option<String>,
        /// What it is.
        is: Option<String>,
    },
    /// The columns that were there stand in another order.
    Reordered {
        /// The table or view, as a sentence has it.
        table: String,
        /// The order that it was.
        was: Vec<String>,
        /// The order that it is.
        is: Vec<String>,
    },
}

impl Difference {
    /// The object that differs, unless it is only the order of columns.
    pub fn object(&self) -> Option<&ObjectName> {
        match self {
            Difference::Gone(object) | Difference::New(object) | Difference::Changed { object, .. } => Some(object),
            Difference::Reordered { .. } => None,
        }
    }

    /// Whether it is about nothing but the order of columns.
    pub fn is_order(&self) -> bool {
        matches!(self, Difference::Reordered { .. })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Gone(object) => write!(f, "{object} is gone"),
            Difference::New(object) => write!(f, "{object} is new"),
            Difference::Changed { object, attribute, was, is } => {
                let (is, was) = (is.as_deref().unwrap_or("none"), was.as_deref().unwrap_or("none"));
                let (is, was) = excerpts(is, was);
                write!(f, "{object}: {attribute} is {is}, and was {was}")
            }
            Difference::Reordered { table, was, is } => {
                write!(f, "{table}: its columns are {}, and were {}", is.join(", "), was.join(", "))
            }
        }
    }
}

pub(super) fn between(before: &Picture, after: &Picture) -> Vec<Difference> {
    let mut differences = Vec::new();
    let lost: BTreeSet<&ObjectName> = before.objects.keys().filter(|name| !after.objects.contains_key(name)).collect();
    let made: BTreeSet<&ObjectName> = after.objects.keys().filter(|name| !before.objects.contains_key(name)).collect();
    // What goes or comes with a table is not told beside it.
    let of = |picture: &Picture, name: &ObjectName, others: &BTreeSet<&ObjectName>| {
        let parent = picture.objects.get(name).and_then(|object| object.parent.clone());
        parent.is_some_and(|parent| others.iter().any(|other| other.to_string() == parent))
    };
    for name in &lost {
        if !of(before, name, &lost) {
            differences.push(Difference::Gone((*name).clone()));
        }
    }
    for name in &made {
        if !of(after, name, &made) {
            differences.push(Difference::New((*name).clone()));
        }
    }
    for (name, was) in &before.objects {
        let Some(is) = after.objects.get(name) else { continue };
        let attributes: BTreeSet<&String> = was.attributes.keys().chain(is.attributes.keys()).collect();
        for attribute in attributes.into_iter().filter(|attribute| *attribute != POSITION) {
            let (was, is) = (was.attributes.get(attribute).cloned(), is.attributes.get(attribute).cloned());
            if was != is {
                differences.push(Difference::Changed { object: name.clone(), attribute: attribute.clone(), was, is });
            }
        }
    }
    let (was, is) = (columns(before), columns(after));
    for (table, was) in was {
        let Some(is) = is.get(&table) else { continue };
        let common = |order: &[String], other: &[String]| {
            order.iter().filter(|column| other.contains(column)).cloned().collect::<Vec<_>>()
        };
        let (was, is) = (common(&was, is), common(is, &was));
        if was != is {
            differences.push(Difference::Reordered { table, was, is });
        }
    }
    differences
}

/// The columns of each table and view, in their order.
fn columns(picture: &Picture) -> BTreeMap<String, Vec<String>> {
    let mut positions: BTreeMap<String, BTreeMap<i32, String>> = BTreeMap::new();
    for (name, object) in &picture.objects {
        let position = object.attributes.get(POSITION).and_then(|position| position.parse().ok());
        if let (Some(table), Some(position)) = (&object.parent, position) {
            let column = name.name.rsplit('.').next().unwrap_or_default().to_owned();
            positions.entry(table.clone()).or_default().insert(position, column);
        }
    }
    positions.into_iter().map(|(table, columns)| (table, columns.into_values().collect())).collect()
}

/// Two values for a sentence: one line each, and of long ones the part in which they begin to differ.
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
        let was = Picture::take(db.session()).unwrap();
        db.alter(change).unwrap();
        let is = Picture::take(db.session()).unwrap();
        let told: Vec<String> = is.differences_from(&was).iter().map(ToString::to_string).collect();
        assert_eq!(
            told.is_empty() || is.differences_from(&was).iter().all(Difference::is_order),
            is.fingerprint() == was.fingerprint()
        );
        // PostgreSQL 17 brought MAINTAIN.
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
        insta::assert_snapshot!(differences(before, change), @r"
        index a_b is gone
        table gone is gone
        column a.c is new
        policy p on a is new
        sequence s is new
        column a.b: default is 'y'::text, and was 'x'::text
        enum mood: labels is 'good', 'fair', 'bad', and was 'good', 'bad'
        function f(x integer): definition is …E sql AS $function$SELECT x + 2$function$, and was …E sql AS $function$SELECT x + 1$function$
        table a: comment is letters, and was none
        table a: row security is enabled, and was off
        view v: privileges is =r/postgres, postgres=arwdDxt/postgres, and was postgres=arwdDxt/postgres
        ");
    }

    #[test]
    fn order_of_columns_is_a_difference_of_its_own() {
        let before = "CREATE TABLE a (x int, y int, z int)";
        insta::assert_snapshot!(differences(before, "ALTER TABLE a DROP x, ADD x int"), @"table a: its columns are y, z, x, and were x, y, z");
    }

    #[test]
    fn what_is_made_anew_just_as_it_was_is_no_difference() {
        let before = "CREATE TABLE a (id int PRIMARY KEY, b text); CREATE VIEW v AS SELECT b FROM a";
        assert_eq!(differences(before, &format!("DROP VIEW v; DROP TABLE a; {before}")), "");
    }
}
