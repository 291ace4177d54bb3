//! A foreign key, proven by rejecting an orphan, and by deleting and updating a referenced row.

use pgproof_runner::Sandbox;
use pgproof_sql::{ObjectId, Property, QualifiedName};

use crate::declared::{Declared, Deferrable};
use crate::pin::Pin;
use crate::referential::{Acting, Event};
use crate::{
    assertion::Assertion, assertion::Differences, assertion::Failure, assertion::Subject, assertion::listed,
    assertion::refuted, assertion::refuted_by,
};
use crate::{table::TableRef, table::find};
use pgproof_catalog::{Catalog, Constraint, ConstraintKind, Relation};

pub use pgproof_catalog::ForeignKeyAction as Action;

impl TableRef {
    /// Begins a sentence about its foreign key on these columns.
    pub fn foreign_key<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> ForeignKeyRef {
        ForeignKeyRef { table: self.name, columns: columns.into_iter().map(Into::into).collect() }
    }
}

/// A foreign key, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct ForeignKeyRef {
    pub(crate) table: QualifiedName,
    pub(crate) columns: Vec<String>,
}

impl ForeignKeyRef {
    /// It references these columns of this table. Unless declared otherwise, deleting or updating a referenced row is
    /// rejected (NO ACTION), and the key is not deferrable.
    pub fn references<C: Into<String>>(
        self,
        table: impl Into<QualifiedName>,
        columns: impl IntoIterator<Item = C>,
    ) -> ForeignKey {
        ForeignKey {
            table: self.table,
            columns: self.columns,
            referenced: table.into(),
            referenced_columns: columns.into_iter().map(Into::into).collect(),
            on_delete: Action::NoAction,
            on_update: None,
            name: None,
            declared: Declared::unless_said(&[
                (Property::Deferrable, Some("no")),
                (Property::Match, Some("SIMPLE")),
                (Property::Enforced, Some("true")),
            ]),
        }
    }
}

/// A foreign key with its target and actions.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct ForeignKey {
    table: QualifiedName,
    columns: Vec<String>,
    referenced: QualifiedName,
    referenced_columns: Vec<String>,
    on_delete: Action,
    on_update: Option<Action>,
    name: Option<String>,
    declared: Declared,
}

impl ForeignKey {
    /// It can be checked at the end of the transaction.
    pub fn deferrable(mut self, deferrable: Deferrable) -> ForeignKey {
        self.declared.say(Property::Deferrable, deferrable.text());
        self
    }

    /// Either all of its columns are NULL or none (MATCH FULL).
    pub fn match_full(mut self) -> ForeignKey {
        self.declared.say(Property::Match, "FULL");
        self
    }

    /// The action when a referenced row is deleted.
    pub fn on_delete(mut self, action: Action) -> ForeignKey {
        self.on_delete = action;
        self
    }

    /// The action when a referenced key is updated; unless declared, any.
    pub fn on_update(mut self, action: Action) -> ForeignKey {
        self.on_update = Some(action);
        self
    }

    /// The constraint has this name.
    pub fn named(mut self, name: impl Into<String>) -> ForeignKey {
        self.name = Some(name.into());
        self
    }

    /// The constraint in the catalog, or what was found instead.
    fn find<'a>(&self, catalog: &'a Catalog, relation: &Relation) -> Result<&'a Constraint, Failure> {
        let target = catalog.table(&self.referenced);
        let keys: Vec<_> = catalog
            .constraints
            .iter()
            .filter(|c| c.schema == relation.schema && c.table.as_deref() == Some(&relation.name))
            .filter(|c| c.kind == ConstraintKind::ForeignKey && c.columns == self.columns)
            .collect();
        let references = |key: &Constraint| match (&key.references, target) {
            (Some(r), Some(t)) => r.schema == t.schema && r.table == t.name && r.columns == self.referenced_columns,
            _ => false,
        };
        let named = |key: &Constraint| self.name.as_ref().is_none_or(|name| *name == key.name);
        keys.iter().copied().find(|key| references(key) && named(key)).ok_or_else(|| match keys.first() {
            None => refuted("there is no such foreign key"),
            Some(key) => refuted_by(
                ObjectId::constraint(&self.table, key.name.clone()),
                format!("there is {}: {}", key.name, key.definition),
            ),
        })
    }
}

impl Assertion for ForeignKey {
    fn subject(&self) -> Subject {
        Subject::constraint("foreign key", &self.table, &self.columns, self.name.as_deref())
    }

    fn sentence(&self) -> String {
        let on_update = self.on_update.map(|action| format!(", on update {action}")).unwrap_or_default();
        format!(
            "references {} ({}), rejects orphans, on delete {}{on_update}{}",
            self.referenced,
            listed(&self.referenced_columns),
            self.on_delete,
            self.declared.sentence()
        )
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        let Some(relation) = catalog.table(&self.table) else { return Vec::new() };
        let Ok(key) = self.find(catalog, relation) else { return Vec::new() };
        let acted_out = |property| Pin::acted_out(key.id(), property);
        let mut pins = vec![
            Pin::acted_out_both_ways(key.id(), Property::Columns),
            Pin::acted_out_both_ways(key.id(), Property::References),
            acted_out(Property::OnDelete),
            Pin::looked_at(key.id(), Property::Validated),
        ];
        pins.extend(self.on_update.map(|_| acted_out(Property::OnUpdate)));
        pins.extend(self.declared.pins(&key.id()));
        pins
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = find(&catalog, &self.table)?;
        let key = self.find(&catalog, relation)?;
        let object = ObjectId::constraint(&self.table, key.name.clone());
        let point_here = |failure| match failure {
            Failure::Refuted { found, target: None } => refuted_by(object.clone(), found),
            other => other,
        };
        if !key.validated {
            return Err(point_here(refuted("it is NOT VALID: older rows may be orphans")));
        }
        let mut differences = Differences::default();
        self.declared.compare(&catalog, &key.id(), &mut differences);
        differences.verdict_on(key.id())?;
        sandbox.run("SET CONSTRAINTS ALL IMMEDIATE")?;
        let acting = Acting { relation, key, catalog: &catalog };
        acting.orphan(sandbox).map_err(point_here)?;
        let deletion = sandbox.undone(|sandbox| acting.event(sandbox, Event::Delete, self.on_delete));
        deletion.map_err(point_here)?;
        let Some(on_update) = self.on_update else { return Ok(()) };
        sandbox.undone(|sandbox| acting.event(sandbox, Event::Update, on_update)).map_err(point_here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    fn key(child: &str) -> ForeignKey {
        table(child).foreign_key(["p"]).references("parent", ["id"])
    }

    #[test]
    fn every_action_is_acted_out() {
        let mut db = scratch(
            "CREATE TABLE parent (id int PRIMARY KEY, name text NOT NULL);
             INSERT INTO parent VALUES (0, 'the default');
             CREATE TABLE a (id int PRIMARY KEY, p int NOT NULL REFERENCES parent);
             CREATE TABLE b (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
             CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES parent ON DELETE SET NULL);
             CREATE TABLE d (id int PRIMARY KEY, p int DEFAULT 0 REFERENCES parent ON DELETE SET DEFAULT);
             CREATE TABLE e (p int PRIMARY KEY REFERENCES parent ON DELETE RESTRICT);",
        );
        proven(&mut db, key("a"));
        proven(&mut db, key("b").on_delete(Action::Cascade).on_update(Action::Cascade).named("b_p_fkey"));
        proven(&mut db, key("c").on_delete(Action::SetNull));
        proven(&mut db, key("d").on_delete(Action::SetDefault));
        proven(&mut db, key("e").on_delete(Action::Restrict));
        insta::assert_snapshot!(refuted(&mut db, key("a").on_delete(Action::Cascade)), @"
        refuted: foreign key a (p) references parent (id), rejects orphans, on delete CASCADE
          DELETE of a referenced row was rejected (declared NO ACTION), not CASCADE
        ");
        insta::assert_snapshot!(refuted(&mut db, key("b").on_delete(Action::SetNull).on_update(Action::Cascade)), @"
        refuted: foreign key b (p) references parent (id), rejects orphans, on delete SET NULL, on update CASCADE
          DELETE of a referenced row deletes the referencing row (declared CASCADE), not SET NULL
        ");
        insta::assert_snapshot!(refuted(&mut db, key("c")), @"
        refuted: foreign key c (p) references parent (id), rejects orphans, on delete NO ACTION
          DELETE of a referenced row sets the referencing columns to NULL (declared SET NULL), not NO ACTION
        ");
        insta::assert_snapshot!(refuted(&mut db, key("e")), @"
        refuted: foreign key e (p) references parent (id), rejects orphans, on delete NO ACTION
          DELETE of a referenced row was rejected (declared RESTRICT), not NO ACTION
        ");
    }

    #[test]
    fn what_is_not_said_of_updates_is_not_asserted() {
        let mut db = scratch(
            "CREATE TABLE parent (id int PRIMARY KEY);
             CREATE TABLE a (p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
             CREATE TABLE b (p int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);",
        );
        proven(&mut db, key("a").on_delete(Action::Cascade));
        proven(&mut db, key("b").deferrable(Deferrable::InitiallyDeferred));
        insta::assert_snapshot!(refuted(&mut db, key("b")), @"
        refuted: foreign key b (p) references parent (id), rejects orphans, on delete NO ACTION
          deferrable of constraint b.b_p_fkey is initially deferred, not no
        ");
    }

    #[test]
    fn keys_under_rules_of_their_own_are_acted_out() {
        let mut db = scratch(
            "CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]{2}[0-9]$');
             CREATE TABLE country (code text PRIMARY KEY CHECK (code ~ '^[A-Z]{2}[0-9]$'));
             CREATE TABLE city (id int PRIMARY KEY, country code NOT NULL REFERENCES country ON UPDATE CASCADE);
             CREATE TABLE tenant (id int PRIMARY KEY);
             CREATE TABLE account (tenant int NOT NULL REFERENCES tenant, id int, PRIMARY KEY (tenant, id));
             CREATE TABLE sale (id int PRIMARY KEY, tenant int NOT NULL REFERENCES tenant, account int NOT NULL,
                FOREIGN KEY (tenant, account) REFERENCES account ON DELETE CASCADE);",
        );
        proven(
            &mut db,
            table("city").foreign_key(["country"]).references("country", ["code"]).on_update(Action::Cascade),
        );
        proven(
            &mut db,
            table("sale")
                .foreign_key(["tenant", "account"])
                .references("account", ["tenant", "id"])
                .on_delete(Action::Cascade),
        );
    }

    #[test]
    fn what_is_there_instead_is_named() {
        let mut db = scratch(
            "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY);
             CREATE TABLE a (p int REFERENCES other); CREATE TABLE b (p int);",
        );
        insta::assert_snapshot!(refuted(&mut db, key("a")), @"
        refuted: foreign key a (p) references parent (id), rejects orphans, on delete NO ACTION
          there is a_p_fkey: FOREIGN KEY (p) REFERENCES other(id)
        ");
        insta::assert_snapshot!(refuted(&mut db, key("b")), @"
        refuted: foreign key b (p) references parent (id), rejects orphans, on delete NO ACTION
          there is no such foreign key
        ");
    }
}
