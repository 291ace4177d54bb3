//! A column that accepts exactly a set of values: every member is inserted, and many non-members are tried, including
//! other literals in the definition of the rule and in those of other columns.

use pgproof_sql::ObjectId;
use std::collections::BTreeSet;

use pgproof_runner::Sandbox;
use pgproof_server::{Attempt, Reported};

use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::listed, assertion::refuted_by};
use pgproof_catalog::{Catalog, Column, ConstraintKind, Relation};
use pgproof_catalog::{row::Draft, row::RowGenerator, row::Value, row::literals};

impl ColumnRef {
    /// It accepts these values and rejects all others; NULL depends on its nullability.
    pub fn accepts_only<V: Into<String>>(self, values: impl IntoIterator<Item = V>) -> CheckSet {
        CheckSet::new(self, values.into_iter().map(Into::into).collect())
    }
}

/// A column accepts exactly these values, and NULL only if declared.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct CheckSet {
    at: ColumnRef,
    members: Vec<String>,
    null: bool,
    constraint: Option<String>,
}

impl CheckSet {
    pub(crate) fn new(at: ColumnRef, members: Vec<String>) -> CheckSet {
        CheckSet { at, members, null: false, constraint: None }
    }

    /// NULL is accepted too.
    pub fn or_null(mut self) -> CheckSet {
        self.null = true;
        self
    }

    /// The CHECK with this name rejects all others.
    pub fn by(mut self, constraint: impl Into<String>) -> CheckSet {
        self.constraint = Some(constraint.into());
        self
    }

    /// The CHECK to point at: the declared one, or else one on the column.
    fn object(&self, catalog: &Catalog, relation: &Relation) -> ObjectId {
        let on_column = catalog
            .constraints_of(relation)
            .find(|c| c.kind == ConstraintKind::Check && c.columns.contains(&self.at.column))
            .map(|c| c.name.clone());
        match self.constraint.clone().or(on_column) {
            Some(name) => ObjectId::constraint(&self.at.table, name),
            None => ObjectId::column(&self.at.table, self.at.column.clone()),
        }
    }
}

impl Assertion for CheckSet {
    fn subject(&self) -> Subject {
        self.at.subject()
    }

    fn sentence(&self) -> String {
        let null = if self.null { " or NULL" } else { "" };
        format!("accepts only {}{null}", listed(self.members.iter().map(|member| format!("'{member}'"))))
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        self.at.pins_of_check(catalog, self.constraint.as_deref())
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        if self.members.is_empty() {
            return Err(Failure::Expectation("the set of accepted values is empty".to_owned()));
        }
        let catalog = Catalog::of(sandbox)?;
        let (relation, column) = self.at.find(&catalog)?;
        let object = self.object(&catalog, relation);
        let refuted = |found: String| refuted_by(object.clone(), found);
        let draft = RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[])?;
        let attempt =
            |sandbox: &mut Sandbox, value: &str| sandbox.attempt(&draft_with(&draft, column, Value::text(value)));
        let mut problems = Vec::new();
        for member in &self.members {
            let Attempt::Refused(refusal) = attempt(sandbox, member)? else { continue };
            // A rule over several columns may require other values beside it than those of this row.
            let value = Value::text(member);
            if !RowGenerator::completes(sandbox, &self.at.table, &column.name, value)? {
                problems.push(format!("'{member}' was rejected with {}", refusal.brief()));
            }
        }
        match (sandbox.attempt(&draft_with(&draft, column, Value::Null))?, self.null) {
            (Attempt::Accepted, false) => problems.push("NULL was accepted".to_owned()),
            (Attempt::Refused(refusal), true) => problems.push(format!("NULL was rejected with {}", refusal.brief())),
            _ => {}
        }
        let mut taken = Vec::new();
        for stranger in self.strangers(&catalog, column) {
            match attempt(sandbox, &stranger)? {
                Attempt::Accepted => taken.push(format!("'{stranger}'")),
                Attempt::Refused(refusal) if self.is_right(&refusal, column) => {}
                Attempt::Refused(refusal) => {
                    problems.push(format!("'{stranger}' was rejected by another rule: {}", refusal.brief()));
                }
            }
        }
        if !taken.is_empty() {
            const SHOWN: usize = 5;
            let more = taken.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} others") } else { String::new() };
            problems.push(format!("also accepted: {}{more}", listed(taken.iter().take(SHOWN))));
        }
        if problems.is_empty() { Ok(()) } else { Err(refuted(problems.join("\n"))) }
    }
}

impl CheckSet {
    /// Whether an error is the expected rejection: check_violation, or invalid_text_representation for an enum.
    fn is_right(&self, refusal: &Reported, column: &Column) -> bool {
        refusal.is("23514", self.constraint.as_deref()) || column.ty.kind == 'e' && refusal.sqlstate == "22P02"
    }

    /// Values that must be rejected although the type itself accepts them.
    fn strangers(&self, catalog: &Catalog, column: &Column) -> Vec<String> {
        let mut crowd: BTreeSet<String> = BTreeSet::new();
        for member in &self.members {
            crowd.extend([
                member.to_uppercase(),
                format!("{member} "),
                format!(" {member}"),
                format!("{member}s"),
                format!("{member}_"),
                format!("not_{member}"),
                member.replace('_', " "),
                member.replace('_', "-"),
                member.chars().rev().collect(),
                member.chars().skip(1).collect(),
            ]);
            let mut shorter = member.clone();
            shorter.pop();
            crowd.insert(shorter);
        }
        crowd.extend(self.members.windows(2).map(|pair| format!("{},{}", pair[0], pair[1])));
        let words =
            ["", " ", "null", "NULL", "unknown", "none", "default", "true", "0", "1", "-1", "deleted", "é", "x"];
        crowd.extend(words.map(str::to_owned));
        // Values that another column accepts, or that this column's rule mentions, are likely mistakes.
        crowd.extend(
            catalog
                .constraints
                .iter()
                .filter(|c| c.kind == ConstraintKind::Check)
                .flat_map(|c| literals(&c.definition)),
        );
        crowd.extend(catalog.types.iter().flat_map(|ty| ty.labels.clone()));
        let numeric = column.ty.category == 'N';
        let limit = pgproof_catalog::row::length_limit(&column.ty.base);
        crowd.retain(|value| {
            !self.members.contains(value)
                && (!numeric || value.parse::<i16>().is_ok())
                && limit.is_none_or(|limit| value.chars().count() <= limit)
        });
        crowd.into_iter().collect()
    }
}

fn draft_with(draft: &Draft, column: &Column, value: Value) -> String {
    draft.with(&column.name, value).sql()
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    const SCHEMA: &str = "CREATE TYPE colour AS ENUM ('red', 'green');
        CREATE TABLE t (
            status text NOT NULL CONSTRAINT chk_status CHECK (status IN ('open', 'closed')),
            kind text CHECK (kind IN ('a', 'b')),
            level smallint NOT NULL CHECK (level IN (1, 2)),
            colour colour NOT NULL,
            free text NOT NULL)";

    #[test]
    fn members_are_taken_and_strangers_refused() {
        let mut db = scratch(SCHEMA);
        proven(&mut db, table("t").column("status").accepts_only(["open", "closed"]).by("chk_status"));
        proven(&mut db, table("t").column("kind").accepts_only(["a", "b"]).or_null());
        proven(&mut db, table("t").column("level").accepts_only(["1", "2"]));
        proven(&mut db, table("t").column("colour").accepts_only(["red", "green"]));
    }

    #[test]
    fn a_missing_and_an_additional_member_are_named() {
        let mut db = scratch(SCHEMA);
        insta::assert_snapshot!(refuted(&mut db, table("t").column("status").accepts_only(["open", "closed", "held"])), @"
        refuted: column t.status accepts only 'open', 'closed', 'held'
          'held' was rejected with 23514 check_violation by chk_status
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("status").accepts_only(["open"])), @"
        refuted: column t.status accepts only 'open'
          also accepted: 'closed'
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("kind").accepts_only(["a", "b"])), @"
        refuted: column t.kind accepts only 'a', 'b'
          NULL was accepted
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("colour").accepts_only(["red"])), @"
        refuted: column t.colour accepts only 'red'
          also accepted: 'green'
        ");
        let message = refuted(&mut db, table("t").column("free").accepts_only(["x"]));
        assert!(message.contains("also accepted: ") && message.contains("others"), "{message}");
    }

    #[test]
    fn a_member_may_need_other_values_beside_it() {
        let mut db = scratch(
            "CREATE TABLE t (s text NOT NULL CONSTRAINT chk CHECK (s IN ('open', 'closed')), at date,
             CHECK ((s = 'closed') = (at IS NOT NULL)))",
        );
        proven(&mut db, table("t").column("s").accepts_only(["open", "closed"]));
    }

    #[test]
    fn another_rule_that_refuses_is_not_the_set() {
        let mut db = scratch("CREATE TABLE t (s text NOT NULL, CONSTRAINT other CHECK (s = 'open'))");
        let message = refuted(&mut db, table("t").column("s").accepts_only(["open"]).by("chk_status"));
        assert!(message.contains("was rejected by another rule: 23514 check_violation by other"), "{message}");
    }
}
