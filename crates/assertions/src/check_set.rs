//! A column that accepts exactly a set of values: every member is inserted, and strangers are tried, which `strangers`
//! finds. What was tried decides it only if the CHECK compares with constants; `admission` tells.

use pgproof_server::SqlState;
use pgproof_sql::ObjectId;

use pgproof_runner::Sandbox;
use pgproof_server::Reported;
use pgproof_sql::quote::literal;

use crate::act::{NOT_STORED, Stored, store};
use crate::admission::Admission;
use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::problems::Problems;
use crate::strangers::strangers;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::listed};
use pgproof_catalog::{Catalog, Column, ConstraintKind, Relation};
use pgproof_catalog::{row::Draft, row::RowGenerator, row::Value};

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
        let draft = RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[])?;
        let mut acting = Acting { set: self, relation, column, draft, problems: Problems::default() };
        acting.members(sandbox)?;
        acting.null(sandbox)?;
        let admission = Admission::of(&catalog, relation, column);
        let strangers = strangers(sandbox, &catalog, column, &admission, &self.members)?;
        let tried = acting.strangers(sandbox, strangers)?;
        let is_finite = column.ty.kind == 'e' || column.ty.base == "boolean";
        acting.problems.verdict(self.object(&catalog, relation))?;
        self.at.demand_valid(&catalog, self.constraint.as_deref())?;
        if let Some(reason) = admission.undecided(sandbox, &tried)?.filter(|_| !is_finite) {
            sandbox.notes().undecided(reason);
        }
        Ok(())
    }
}

/// A set being acted out.
struct Acting<'a> {
    set: &'a CheckSet,
    relation: &'a Relation,
    column: &'a Column,
    draft: Draft,
    problems: Problems,
}

impl Acting<'_> {
    fn store(&self, sandbox: &mut Sandbox, value: Value) -> Result<Stored, Failure> {
        Ok(store(sandbox, &self.draft.with(&self.column.name, value), &self.column.name)?)
    }

    /// Every member is accepted, and stored as it is.
    fn members(&mut self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        for member in &self.set.members {
            let problem = match self.store(sandbox, Value::text(member))? {
                Stored::Value(Some(stored)) if stored == *member => continue,
                Stored::Value(stored) => {
                    // Another spelling of the same value, or another value.
                    let canonical = self.canonical(sandbox, member)?;
                    if canonical == stored {
                        continue;
                    }
                    let stored = stored.map_or("NULL".to_owned(), |stored| format!("'{stored}'"));
                    format!("'{member}' was stored as {stored}")
                }
                Stored::Nothing => format!("'{member}': {NOT_STORED}"),
                Stored::Refused(refusal) => {
                    // A rule over several columns may require other values beside it than those of this row.
                    if RowGenerator::completes(sandbox, &self.set.at.table, &self.column.name, Value::text(member))? {
                        continue;
                    }
                    self.problems.blame(self.relation, &refusal);
                    format!("'{member}' was rejected with {}", refusal.brief())
                }
            };
            self.problems.tell(problem);
        }
        Ok(())
    }

    fn null(&mut self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        match (self.store(sandbox, Value::Null)?, self.set.null) {
            (Stored::Value(None), false) => self.problems.tell("NULL was accepted"),
            (Stored::Refused(refusal), true)
                if !RowGenerator::completes(sandbox, &self.set.at.table, &self.column.name, Value::Null)? =>
            {
                self.problems.blame(self.relation, &refusal);
                self.problems.tell(format!("NULL was rejected with {}", refusal.brief()));
            }
            (Stored::Nothing, _) => self.problems.tell(format!("NULL: {NOT_STORED}")),
            // A trigger may put a member in its place.
            _ => {}
        }
        Ok(())
    }

    /// No stranger is stored. Returns those that are values of the type.
    fn strangers(&mut self, sandbox: &mut Sandbox, strangers: Vec<String>) -> Result<Vec<String>, Failure> {
        let mut taken = Vec::new();
        let mut tried = Vec::new();
        let mut canonical = None;
        for stranger in strangers {
            match self.store(sandbox, Value::text(&stranger))? {
                Stored::Value(Some(stored)) => {
                    if canonical.is_none() {
                        let all: Result<Vec<_>, _> =
                            self.set.members.iter().map(|member| self.canonical(sandbox, member)).collect();
                        canonical = Some(all?);
                    }
                    // Another spelling of a member, or a trigger that corrects it.
                    if canonical.iter().flatten().all(|member| member.as_ref() != Some(&stored)) {
                        taken.push(format!("'{stranger}'"));
                    }
                }
                Stored::Value(None) => {}
                Stored::Nothing => tried.push(stranger),
                Stored::Refused(refusal) if self.is_right(&refusal) => tried.push(stranger),
                // string_data_right_truncation: too long for the type
                Stored::Refused(refusal) if refusal.has(&SqlState::STRING_DATA_RIGHT_TRUNCATION) => {}
                // A data exception: the text is no value of the type, or a condition fails for it.
                Stored::Refused(refusal) if refusal.sqlstate.starts_with("22") => {
                    if self.canonical(sandbox, &stranger)?.is_some() {
                        tried.push(stranger);
                    }
                }
                Stored::Refused(refusal) => {
                    self.problems.blame(self.relation, &refusal);
                    self.problems.tell(format!("'{stranger}' was rejected by another rule: {}", refusal.brief()));
                }
            }
        }
        if !taken.is_empty() {
            const SHOWN: usize = 5;
            let more = taken.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} others") } else { String::new() };
            self.problems.tell(format!("also accepted: {}{more}", listed(taken.iter().take(SHOWN))));
        }
        Ok(tried)
    }

    /// Whether an error is the expected rejection: check_violation, or invalid_text_representation for an enum.
    fn is_right(&self, refusal: &Reported) -> bool {
        refusal.is(&SqlState::CHECK_VIOLATION, self.set.constraint.as_deref())
            || self.column.ty.kind == 'e' && refusal.has(&SqlState::INVALID_TEXT_REPRESENTATION)
    }

    /// The text form of a member as the type prints it; `None` if it is no value of the type.
    fn canonical(&self, sandbox: &mut Sandbox, member: &str) -> Result<Option<String>, Failure> {
        let sql = format!("SELECT ({}::{})::text", literal(member), self.column.ty.base);
        let rows = sandbox.session().attempt_rows(&sql)?;
        Ok(rows.ok().and_then(|rows| rows.into_iter().flatten().next()).flatten())
    }
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
    fn a_rule_with_more_than_a_list_is_searched() {
        let mut db = scratch(
            "CREATE TABLE t (
                a text NOT NULL CHECK (a IN ('open', 'paid') OR length(a) > 40),
                b text NOT NULL CHECK (b IN ('open', 'paid') OR b LIKE 'legacy-%'),
                c int NOT NULL CHECK (c IN (1, 2) OR c % 7919 = 0),
                d text NOT NULL CHECK (lower(d) IN ('open', 'paid')))",
        );
        for (column, members) in
            [("a", ["open", "paid"]), ("b", ["open", "paid"]), ("c", ["1", "2"]), ("d", ["open", "paid"])]
        {
            let message = refuted(&mut db, table("t").column(column).accepts_only(members));
            assert!(message.contains("also accepted: "), "{column}: {message}");
        }
    }

    #[test]
    fn what_was_tried_decides_only_comparisons() {
        let mut db = scratch(
            "CREATE DOMAIN state AS text CHECK (VALUE IN ('on', 'off'));
             CREATE TABLE t (a text NOT NULL CHECK (a IN ('open', 'paid')), b text NOT NULL CHECK (b ~ '^(open|paid)$'), c state NOT NULL,
                d boolean NOT NULL, e text NOT NULL)",
        );
        let undecided = |db: &mut pgproof_runner::Sandbox, column: &str, members: &[&str]| {
            let assertion = table("t").column(column).accepts_only(members.iter().copied());
            let evidence = crate::check::examine(db, &assertion, std::panic::Location::caller());
            assert_eq!(evidence.outcome, pgproof_runner::evidence::Outcome::Proven, "{:?}", evidence.message);
            evidence.undecided
        };
        assert_eq!(undecided(&mut db, "a", &["open", "paid"]), None);
        assert_eq!(undecided(&mut db, "c", &["on", "off"]), None);
        assert_eq!(undecided(&mut db, "d", &["true", "false"]), None);
        let reason = undecided(&mut db, "b", &["open", "paid"]).expect("a pattern is not decided");
        assert!(reason.starts_with("t_b_check is more than comparisons with constants: CHECK ((b ~ "), "{reason}");
    }

    #[test]
    fn values_of_every_type_are_compared_as_values() {
        let mut db = scratch(
            "CREATE TABLE t (
                flag boolean NOT NULL CHECK (flag), day date NOT NULL CHECK (day IN ('2024-01-01', '2024-07-01')),
                rate numeric(5,2) NOT NULL CHECK (rate IN (7, 19)), key bytea CHECK (key IN ('\\x00', '\\x01')))",
        );
        proven(&mut db, table("t").column("flag").accepts_only(["true"]));
        proven(&mut db, table("t").column("day").accepts_only(["2024-01-01", "2024-07-01"]));
        proven(&mut db, table("t").column("rate").accepts_only(["7", "19.00"]));
        proven(&mut db, table("t").column("key").accepts_only(["\\x00", "\\x01"]).or_null());
        let message = refuted(&mut db, table("t").column("day").accepts_only(["2024-01-01"]));
        assert!(message.contains("also accepted: '2024-07-01'"), "{message}");
        let message = refuted(&mut db, table("t").column("flag").accepts_only(["true", "false"]));
        assert!(message.contains("'false' was rejected with 23514"), "{message}");
    }

    #[test]
    fn a_row_that_a_trigger_takes_is_not_accepted() {
        let mut db = scratch(
            "CREATE TABLE t (s text NOT NULL CHECK (s IN ('open', 'paid')));
             CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.s = 'paid' THEN RETURN NULL; END IF; RETURN NEW; END $$;
             CREATE TRIGGER lost BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION lost();",
        );
        insta::assert_snapshot!(refuted(&mut db, table("t").column("s").accepts_only(["open", "paid"])), @"
        refuted: column t.s accepts only 'open', 'paid'
          'paid': the row was not stored: a trigger or rule took it
        ");
    }

    #[test]
    fn a_trigger_that_corrects_a_value_accepts_no_stranger() {
        let mut db = scratch(
            "CREATE TABLE t (s text NOT NULL CHECK (s IN ('open', 'paid')));
             CREATE FUNCTION lower_s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.s := lower(NEW.s); RETURN NEW; END $$;
             CREATE TRIGGER lower_s BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION lower_s();",
        );
        proven(&mut db, table("t").column("s").accepts_only(["open", "paid"]));
    }

    #[test]
    fn another_rule_that_refuses_is_not_the_set() {
        let mut db = scratch("CREATE TABLE t (s text NOT NULL, CONSTRAINT other CHECK (s = 'open'))");
        let message = refuted(&mut db, table("t").column("s").accepts_only(["open"]).by("chk_status"));
        assert!(message.contains("was rejected by another rule: 23514 check_violation by other"), "{message}");
    }
}
