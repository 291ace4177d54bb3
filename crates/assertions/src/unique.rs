//! Uniqueness, of a constraint or of an index: a duplicate is rejected by name, and rows that differ in one column of
//! the key are accepted.

use pgproof_server::SqlState;
use std::collections::HashSet;

use pgproof_runner::Sandbox;
use pgproof_server::{Attempt, Reported};
use pgproof_sql::quote::identifier;
use pgproof_sql::{Identifier, ObjectId, Property, QualifiedName};

use crate::declared::{Declared, Deferrable};
use crate::pin::Pin;
use crate::{
    assertion::Assertion, assertion::Differences, assertion::Failure, assertion::Subject, assertion::listed,
    assertion::refuted, assertion::refuted_by,
};
use crate::{table::TableRef, table::find};
use pgproof_catalog::family;
use pgproof_catalog::{Catalog, Index};
use pgproof_catalog::{row::Draft, row::RowGenerator, row::Value};

impl TableRef {
    /// No two rows have the same values in these columns.
    pub fn unique<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> Unique {
        Unique::new(self.name, columns.into_iter().map(Into::into).collect())
    }
}

/// No two rows of a table have the same values in these columns.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct Unique {
    table: QualifiedName,
    columns: Vec<String>,
    name: Option<String>,
    declared: Declared,
    of_index: Declared,
}

impl Unique {
    pub(crate) fn new(table: QualifiedName, columns: Vec<String>) -> Unique {
        Unique {
            table,
            columns,
            name: None,
            declared: Declared::unless_said(&[(Property::Deferrable, Some("no"))]),
            of_index: Declared::unless_said(&[(Property::NullsNotDistinct, Some("false"))]),
        }
    }

    /// The constraint, or the index, has this name.
    pub fn named(mut self, name: impl Into<String>) -> Unique {
        self.name = Some(name.into());
        self
    }

    /// It can be checked at the end of the transaction.
    pub fn deferrable(mut self, deferrable: Deferrable) -> Unique {
        self.declared.say(Property::Deferrable, deferrable.text());
        self
    }

    /// Two NULLs count as duplicates (NULLS NOT DISTINCT, from PostgreSQL 15 on).
    pub fn nulls_not_distinct(mut self) -> Unique {
        self.of_index.say(Property::NullsNotDistinct, "true");
        self
    }
}

impl Assertion for Unique {
    fn subject(&self) -> Subject {
        let on = format!("{} ({})", self.table, self.columns.join(", "));
        match &self.name {
            Some(name) => Subject::called(
                ObjectId::constraint(&self.table, Identifier::new(name)),
                format!("unique key {name} on {on}"),
            ),
            None => Subject::constraint("unique key", &self.table, &self.columns, None),
        }
    }

    fn sentence(&self) -> String {
        format!(
            "rejects a duplicate, and accepts rows that differ in any of its columns{}{}",
            self.of_index.sentence(),
            self.declared.sentence()
        )
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        let Some(relation) = catalog.table(&self.table) else { return Vec::new() };
        let mut unique = catalog.indexes_of(relation).filter(|index| index.unique && index.predicate.is_none());
        let found = match &self.name {
            Some(name) => unique.find(|index| index.name == *name),
            None => unique.find(|index| {
                let columns: Vec<String> = index.keys.iter().map(|key| key.name().to_owned()).collect();
                same(&columns, &self.columns)
            }),
        };
        let pins = |index: &Index| {
            let acted =
                [Property::Unique, Property::Keys].map(|property| Pin::acted_out_both_ways(index.id(), property));
            let constraint = constraint_of(catalog, relation, index);
            let looked = constraint.iter().flat_map(|constraint| self.declared.pins(constraint));
            acted.into_iter().chain(self.of_index.pins(&index.id())).chain(looked).collect()
        };
        found.map(pins).unwrap_or_default()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = find(&catalog, &self.table)?;
        let columns_of = |index: &Index| index.keys.iter().map(|key| key.name().to_owned()).collect::<Vec<_>>();
        let unique: Vec<_> = catalog.indexes_of(relation).filter(|i| i.unique && i.predicate.is_none()).collect();
        let index = match &self.name {
            Some(name) => unique.iter().find(|index| index.name == *name),
            None => unique.iter().find(|index| same(&columns_of(index), &self.columns)),
        };
        let Some(index) = index else {
            let keys = unique.iter().map(|index| format!("{} ({})", index.name, listed(columns_of(index))));
            return Err(refuted(format!(
                "there is no such key; the unique keys of {} are: {}",
                self.table,
                listed(keys)
            )));
        };
        let object = || index.id();
        if !same(&columns_of(index), &self.columns) {
            return Err(refuted_by(object(), format!("{} is on ({})", index.name, listed(columns_of(index)))));
        }
        let mut differences = Differences::default();
        self.of_index.compare(&catalog, &index.id(), &mut differences);
        match constraint_of(&catalog, relation, index) {
            Some(constraint) => {
                self.declared.compare(&catalog, &constraint, &mut differences);
                differences.verdict_on(constraint)?;
            }
            None => differences.verdict_on(index.id())?,
        }
        refuses_duplicates(sandbox, &self.table, &self.columns, &index.name).map_err(|failure| match failure {
            Failure::Refuted { found, target: None } => refuted_by(object(), found),
            other => other,
        })
    }
}

/// The constraint of a unique index, if it has one.
fn constraint_of(catalog: &Catalog, relation: &pgproof_catalog::Relation, index: &Index) -> Option<ObjectId> {
    catalog
        .constraints_of(relation)
        .find(|constraint| constraint.name == index.name)
        .map(pgproof_catalog::Constraint::id)
}

fn same(left: &[String], right: &[String]) -> bool {
    let sorted = |columns: &[String]| {
        let mut columns = columns.to_vec();
        columns.sort();
        columns
    };
    sorted(left) == sorted(right)
}

/// Tests uniqueness: a second row with the same key, and otherwise as different as possible, is rejected by `name`; a
/// row that differs in one column of the key is not rejected by it.
pub fn refuses_duplicates(
    sandbox: &mut Sandbox,
    table: &QualifiedName,
    columns: &[String],
    name: &str,
) -> Result<(), Failure> {
    let catalog = Catalog::of(sandbox)?;
    let relation = find(&catalog, table)?;
    let names = refusing(sandbox, &catalog, relation, columns, name)?;
    let by_key = |refusal: &Reported| {
        refusal.has(&SqlState::UNIQUE_VIOLATION) && refusal.constraint.as_ref().is_some_and(|name| names.contains(name))
    };
    sandbox.run("SET CONSTRAINTS ALL IMMEDIATE")?;
    let mut generator = RowGenerator::of(sandbox)?;
    // NULLs are not duplicates, so every column of the key gets a value.
    let first = generator.draft_with(sandbox, table, &[], columns)?.insert(sandbox)?;
    let second = generator.draft(sandbox, table, &[])?;
    let mut duplicate = second.clone();
    for column in columns {
        duplicate = duplicate.with(column, first.value(column).map(str::to_owned).into());
    }
    let overriding = overriding(&duplicate, relation, columns);
    match alone(sandbox, &catalog, relation, &overriding, &by_key, MOST_OTHERS)? {
        Attempt::Refused(refusal) if by_key(&refusal) => {}
        Attempt::Refused(refusal) => {
            return Err(refuted(format!("a duplicate was rejected by another rule: {}", refusal.brief())));
        }
        Attempt::Accepted => return Err(refuted(format!("a duplicate was accepted: {overriding}"))),
    }
    if columns.len() == 1 {
        return Ok(()); // the generator's second row was accepted: it differs in the only column
    }
    for column in relation.columns.iter().filter(|c| columns.contains(&c.name) && c.generation.is_insertable()) {
        let value = match second.value(&column.name) {
            Value::Default | Value::Null => generator.another(column).unwrap_or(Value::Null),
            value @ Value::Text(_) => value.clone(),
        };
        let differs = duplicate.with(&column.name, value);
        if let Attempt::Refused(refusal) = sandbox.attempt(&differs.sql())?
            && refusal.is(&SqlState::UNIQUE_VIOLATION, Some(name))
        {
            return Err(refuted(format!("a row that differs in {} alone was rejected by {name}", column.name)));
        }
    }
    Ok(())
}

/// How many other rules that reject a duplicate first are dropped to see whether the key does too.
const MOST_OTHERS: usize = 4;

/// Tries a duplicate. Which of several unique keys rejects it depends on the order of their creation, so another one is
/// dropped, and the duplicate is tried again; all of it is rolled back.
fn alone(
    sandbox: &mut Sandbox,
    catalog: &Catalog,
    relation: &pgproof_catalog::Relation,
    duplicate: &str,
    by_key: &dyn Fn(&Reported) -> bool,
    most: usize,
) -> Result<Attempt, Failure> {
    let refusal = match sandbox.attempt(duplicate)? {
        Attempt::Refused(refusal) if !by_key(&refusal) => refusal,
        attempt => return Ok(attempt),
    };
    // unique_violation, exclusion_violation, check_violation
    let is_other_key = [SqlState::UNIQUE_VIOLATION, SqlState::EXCLUSION_VIOLATION, SqlState::CHECK_VIOLATION]
        .iter()
        .any(|state| refusal.has(state));
    let other = refusal.constraint.clone().filter(|_| is_other_key && most > 0);
    let Some(other) = other else { return Ok(Attempt::Refused(refusal)) };
    let constraint = catalog.constraints_of(relation).any(|constraint| constraint.name == other);
    let drop = if constraint {
        format!("ALTER TABLE {} DROP CONSTRAINT {} CASCADE", relation.sql(), identifier(&other))
    } else {
        format!("DROP INDEX {} CASCADE", QualifiedName::in_schema(&relation.schema, &other).sql())
    };
    sandbox.undone(|sandbox| match sandbox.attempt(&drop)? {
        Attempt::Accepted => {
            sandbox.run(&drop)?;
            alone(sandbox, catalog, relation, duplicate, by_key, most - 1)
        }
        // The index of a partition, or rows that are locked: the first answer stands.
        Attempt::Refused(_) => Ok(Attempt::Refused(refusal)),
    })
}

/// The names that may reject a duplicate: the key itself, the corresponding indexes of its partitions, and a unique key
/// on some of its columns, which a duplicate violates as well.
fn refusing(
    sandbox: &mut Sandbox,
    catalog: &Catalog,
    relation: &pgproof_catalog::Relation,
    columns: &[String],
    name: &str,
) -> Result<HashSet<String>, Failure> {
    let mut names = HashSet::from([name.to_owned()]);
    for index in catalog.indexes_of(relation).filter(|index| index.unique && index.predicate.is_none()) {
        let narrower = index.keys.iter().all(|key| columns.iter().any(|column| column == key.name()));
        if index.name == name || narrower {
            names.extend(family(sandbox, catalog, &index.qualified_name())?);
        }
    }
    Ok(names)
}

/// The INSERT of a draft, with the clause that allows explicit values for identity columns.
fn overriding(draft: &Draft, relation: &pgproof_catalog::Relation, columns: &[String]) -> String {
    use pgproof_catalog::Generation::IdentityAlways;
    let names_identity = relation.columns.iter().any(|c| c.generation == IdentityAlways && columns.contains(&c.name));
    let sql = draft.sql();
    if names_identity { sql.replacen(") VALUES (", ") OVERRIDING SYSTEM VALUE VALUES (", 1) } else { sql }
}

#[cfg(test)]
mod tests {
    use super::Deferrable;
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_unique_key_refuses_a_duplicate_and_nothing_else() {
        let mut db = scratch(
            "CREATE TABLE p (id int PRIMARY KEY);
             CREATE TABLE t (p int NOT NULL REFERENCES p, v int NOT NULL DEFAULT 1, s text NOT NULL, UNIQUE (p, v));
             CREATE UNIQUE INDEX by_s ON t (s);",
        );
        proven(&mut db, table("t").unique(["p", "v"]).named("t_p_v_key"));
        proven(&mut db, table("t").unique(["s"]).named("by_s"));
        insta::assert_snapshot!(refuted(&mut db, table("t").unique(["p"])), @"
        refuted: unique key t (p) rejects a duplicate, and accepts rows that differ in any of its columns
          there is no such key; the unique keys of t are: by_s (s), t_p_v_key (p, v)
        ");
        db.alter("DROP INDEX by_s; CREATE UNIQUE INDEX by_s ON t (s, v); CREATE UNIQUE INDEX narrow ON t (v)").unwrap();
        insta::assert_snapshot!(refuted(&mut db, table("t").unique(["s"]).named("by_s")), @"
        refuted: unique key by_s on t (s) rejects a duplicate, and accepts rows that differ in any of its columns
          by_s is on (s, v)
        ");
    }

    #[test]
    fn keys_of_every_kind_are_understood() {
        let mut db = scratch(
            "CREATE TABLE p (id int PRIMARY KEY);
             CREATE TABLE t (id int PRIMARY KEY, \"position\" int NOT NULL, \"userId\" int NOT NULL, p int REFERENCES p, kind text CHECK (kind IN ('a', 'b')),
                UNIQUE (\"position\", \"userId\"), UNIQUE (p, kind), UNIQUE (id, \"userId\"), UNIQUE (\"userId\") DEFERRABLE INITIALLY DEFERRED);
             CREATE TABLE parts (day int NOT NULL, id int NOT NULL, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
             CREATE TABLE parts_all PARTITION OF parts DEFAULT;",
        );
        proven(&mut db, table("t").unique(["position", "userId"]));
        proven(&mut db, table("t").unique(["p", "kind"]));
        proven(&mut db, table("t").unique(["id", "userId"]));
        proven(&mut db, table("t").unique(["userId"]).deferrable(Deferrable::InitiallyDeferred));
        proven(&mut db, table("parts").primary_key(["day", "id"]));
    }

    #[test]
    fn another_key_that_rejects_first_is_no_refutation() {
        let mut db = scratch(
            "CREATE TABLE t (a text NOT NULL, b int NOT NULL);
             CREATE UNIQUE INDEX first ON t (lower(a)); CREATE UNIQUE INDEX partial ON t (a) WHERE b > 0;
             CREATE UNIQUE INDEX by_a ON t (a);
             CREATE TABLE u (a int NOT NULL);
             CREATE INDEX no_key ON u (a); CREATE UNIQUE INDEX other ON u ((a + 0));",
        );
        proven(&mut db, table("t").unique(["a"]));
        let message = refuted(&mut db, table("u").unique(["a"]));
        assert!(message.contains("there is no such key"), "{message}");
    }

    #[test]
    fn a_duplicate_that_a_trigger_lets_pass_is_found() {
        let mut db = scratch(
            "CREATE TABLE t (a int NOT NULL UNIQUE);
             CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN WHILE EXISTS (SELECT FROM t WHERE a = NEW.a) LOOP NEW.a := NEW.a + 1; END LOOP; RETURN NEW; END $$;
             CREATE TRIGGER bump BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION bump();",
        );
        let message = refuted(&mut db, table("t").unique(["a"]));
        assert!(message.contains("a duplicate was accepted: INSERT INTO"), "{message}");
    }
}
