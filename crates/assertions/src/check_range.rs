//! A column that accepts the values of a range, numbers, days, moments or intervals: the bounds are accepted, their
//! neighbours outside are rejected.

mod range;

use pgproof_server::SqlState;

use pgproof_runner::Sandbox;
use pgproof_sql::ObjectId;

use crate::act::{NOT_STORED, Stored, store};
use crate::admission::Admission;
use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::problems::Problems;
use crate::scale::Scale;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject};
use pgproof_catalog::{Catalog, Column, ConstraintKind};
use pgproof_catalog::{row::RowGenerator, row::Value};
use range::{Bound, Range};

impl ColumnRef {
    /// It accepts this number, date, timestamp or interval and all greater ones, and rejects all smaller ones.
    pub fn accepts_from(self, least: impl Into<String>) -> CheckRange {
        CheckRange::new(self, Some(least.into()), None)
    }

    /// It accepts this value and all smaller ones, and rejects all greater ones.
    pub fn accepts_up_to(self, most: impl Into<String>) -> CheckRange {
        CheckRange::new(self, None, Some(most.into()))
    }

    /// It accepts the values from `least` to `most`, inclusive, and rejects all others.
    pub fn accepts_between(self, least: impl Into<String>, most: impl Into<String>) -> CheckRange {
        CheckRange::new(self, Some(least.into()), Some(most.into()))
    }
}

/// A column accepts the values between two bounds, inclusive, and rejects all others.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct CheckRange {
    at: ColumnRef,
    least: Option<String>,
    most: Option<String>,
    constraint: Option<String>,
}

impl CheckRange {
    pub(crate) fn new(at: ColumnRef, least: Option<String>, most: Option<String>) -> CheckRange {
        CheckRange { at, least, most, constraint: None }
    }

    /// The CHECK with this name rejects all others.
    pub fn by(mut self, constraint: impl Into<String>) -> CheckRange {
        self.constraint = Some(constraint.into());
        self
    }
}

impl Assertion for CheckRange {
    fn subject(&self) -> Subject {
        self.at.subject()
    }

    fn sentence(&self) -> String {
        match (&self.least, &self.most) {
            (Some(least), Some(most)) => format!("accepts only {least} to {most}"),
            (Some(least), None) => format!("accepts only {least} and above"),
            (None, Some(most)) => format!("accepts only {most} and below"),
            (None, None) => "accepts any value".to_owned(),
        }
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        self.at.pins_of_check(catalog, self.constraint.as_deref())
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let (relation, column) = self.at.find(&catalog)?;
        let check = catalog
            .constraints_of(relation)
            .filter(|c| c.kind == ConstraintKind::Check && c.columns.contains(&column.name))
            .find(|c| self.constraint.as_ref().is_none_or(|name| *name == c.name));
        let object = match (&self.constraint, check) {
            (Some(name), _) => ObjectId::constraint(&self.at.table, name.clone()),
            (None, Some(check)) => ObjectId::constraint(&self.at.table, check.name.clone()),
            (None, None) => ObjectId::column(&self.at.table, column.name.clone()),
        };
        let draft = RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[])?;
        let mut problems = Problems::default();
        let mut strangers = Vec::new();
        let admission = Admission::of(&catalog, relation, column);
        let range = self.range(sandbox, column)?;
        for (number, inside) in range.probes(sandbox, column, &admission)? {
            let stored = store(sandbox, &draft.with(&column.name, Value::text(&number)), &column.name)?;
            let is_same = match &stored {
                Stored::Value(Some(stored)) => range.is_same(sandbox, stored, &number)?,
                _ => false,
            };
            let is_inside = match &stored {
                Stored::Value(Some(stored)) => range.holds(sandbox, stored)?,
                _ => false,
            };
            match (stored, inside) {
                (Stored::Value(Some(_)), true) if is_same => {}
                (Stored::Value(Some(stored)), true) => problems.tell(format!("{number} was stored as {stored}")),
                (Stored::Value(None), true) => problems.tell(format!("{number} was stored as NULL")),
                (Stored::Nothing, true) => problems.tell(format!("{number}: {NOT_STORED}")),
                (Stored::Value(Some(_)), false) if !is_same && is_inside => {}
                (Stored::Value(_), false) => problems.tell(format!("{number} was accepted")),
                (Stored::Refused(_), true)
                    if RowGenerator::completes(sandbox, &self.at.table, &column.name, Value::text(&number))? => {}
                (Stored::Refused(r), true) => {
                    problems.blame(relation, &r);
                    problems.tell(format!("{number} was rejected with {}", r.brief()));
                }
                // A condition that fails rejects the row as well: a number beyond what its arithmetic holds.
                (Stored::Refused(r), false) if r.sqlstate.starts_with("22") => {}
                (Stored::Refused(r), false) if !r.is(&SqlState::CHECK_VIOLATION, self.constraint.as_deref()) => {
                    problems.blame(relation, &r);
                    problems.tell(format!("{number} was rejected by another rule: {}", r.brief()));
                }
                (Stored::Refused(_) | Stored::Nothing, false) => strangers.push(number),
            }
        }
        problems.verdict_of_first(SHOWN, object)?;
        self.at.demand_valid(&catalog, self.constraint.as_deref())?;
        if let Some(reason) = admission.undecided(sandbox, &strangers)? {
            sandbox.notes().undecided(reason);
        }
        Ok(())
    }
}

impl CheckRange {
    /// The range on the scale of the column.
    fn range(&self, sandbox: &mut Sandbox, column: &Column) -> Result<Range, Failure> {
        let scale = Scale::of(column, [&self.least, &self.most])?;
        let mut bound = |text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            match scale.count(sandbox, std::slice::from_ref(text))?.first().copied().flatten() {
                Some(steps) => Ok(Some(Bound { steps, number: text.parse().ok() })),
                None => Err(Failure::Expectation(format!(
                    "the bound {text:?} is no value that {} can hold",
                    self.subject()
                ))),
            }
        };
        let (least, most) = (bound(&self.least)?, bound(&self.most)?);
        Ok(Range { scale, least, most })
    }
}

/// How many problems of a range are reported.
const SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use crate::check::examine;
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn a_rule_far_from_the_bound_is_found() {
        let mut db = scratch(
            "CREATE TABLE t (a bigint CHECK (a BETWEEN 0 AND 5000), b numeric CHECK (b BETWEEN 0 AND 99), c numeric CHECK (c <= 0.08), \
             d int, e int, CHECK (d <= e))",
        );
        let message = refuted(&mut db, table("t").column("a").accepts_from("0"));
        assert!(message.contains("10000 was rejected with 23514"), "{message}");
        let message = refuted(&mut db, table("t").column("b").accepts_from("0"));
        assert!(message.contains("100.00 was rejected with 23514"), "{message}");
        let message = refuted(&mut db, table("t").column("c").accepts_up_to("0.0825"));
        assert!(message.contains("0.0825 was rejected with 23514"), "{message}");
        proven(&mut db, table("t").column("b").accepts_between("0", "99"));
    }

    #[test]
    fn a_rule_with_more_than_bounds_is_searched() {
        let mut db = scratch(
            "CREATE TABLE t (a int CHECK (a >= 0 OR a % 7919 = 0), b int CHECK (b >= 0 AND b <> 4242), c numeric CHECK (c >= 0 AND abs(c) < 500),
                d int CHECK (abs(d) = d))",
        );
        let message = refuted(&mut db, table("t").column("a").accepts_from("0"));
        assert!(message.contains("was accepted"), "{message}");
        let message = refuted(&mut db, table("t").column("b").accepts_from("0"));
        assert!(message.contains("4242 was rejected with 23514"), "{message}");
        let message = refuted(&mut db, table("t").column("c").accepts_from("0"));
        assert!(message.contains("was rejected with 23514"), "{message}");
        proven(&mut db, table("t").column("d").accepts_from("0"));
    }

    #[test]
    fn bounds_are_taken_and_their_neighbours_refused() {
        let mut db = scratch(
            "CREATE TABLE t (ms int CONSTRAINT positive CHECK (ms >= 0), rate numeric(5,2) NOT NULL CHECK (rate BETWEEN 0 AND 100), \
             far int CHECK (far > 0), free int)",
        );
        proven(&mut db, table("t").column("ms").accepts_from("0").by("positive"));
        proven(&mut db, table("t").column("rate").accepts_between("0", "100"));
        insta::assert_snapshot!(refuted(&mut db, table("t").column("far").accepts_from("0")), @"
        refuted: column t.far accepts only 0 and above
          0 was rejected with 23514 check_violation by t_far_check
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("free").accepts_from("0")), @"
        refuted: column t.free accepts only 0 and above
          -1 was accepted
          -10 was accepted
          -100 was accepted
          and 8 more
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").column("rate").accepts_up_to("99.99")), @"
        refuted: column t.rate accepts only 99.99 and below
          100.00 was accepted
          -0.01 was rejected with 23514 check_violation by t_rate_check
          -900.01 was rejected with 23514 check_violation by t_rate_check
          and 2 more
        ");
    }

    #[test]
    fn days_moments_and_intervals_have_neighbours() {
        let mut db = scratch(
            "CREATE TABLE t (day date CHECK (day >= '2024-02-29'), at timestamp CHECK (at > '2024-01-01'),
                seen timestamptz(3) NOT NULL CHECK (seen >= '2024-01-01 00:00+00' AND seen <= '2024-12-31 23:59:59.999+00'),
                span interval CHECK (span BETWEEN '0' AND '1 month'), brief interval(0) CHECK (brief > '0'),
                born date CHECK (extract(year FROM born) >= 1900), big numeric(30,8) CHECK (big >= 12345678901234567890.00000001),
                round numeric(4,1) CHECK (round > 0.5), coarse bigint CHECK (coarse >= 9007199254740993))",
        );
        let column = |name: &str| table("t").column(name);
        proven(&mut db, column("day").accepts_from("2024-02-29"));
        proven(&mut db, column("at").accepts_from("2024-01-01 00:00:00.000001"));
        proven(&mut db, column("seen").accepts_between("2024-01-01 01:00+01", "2024-12-31 23:59:59.999Z"));
        proven(&mut db, column("span").accepts_between("0", "30 days"));
        proven(&mut db, column("brief").accepts_from("1 second"));
        proven(&mut db, column("born").accepts_from("1900-01-01"));
        proven(&mut db, column("big").accepts_from("12345678901234567890.00000001"));
        proven(&mut db, column("round").accepts_from("0.6"));
        proven(&mut db, column("coarse").accepts_from("9007199254740993"));
        for (name, bound, found) in [
            ("day", "2024-02-28", "2024-02-28 was rejected with 23514"),
            ("day", "2024-03-01", "2024-02-29 was accepted"),
            ("at", "2024-01-01", "2024-01-01 00:00:00 was rejected with 23514"),
            ("at", "2024-01-01 00:00:00.000002", "2024-01-01 00:00:00.000001 was accepted"),
            ("seen", "2024-01-01 00:00:00.001+00", "2024-01-01 00:00:00+00 was accepted"),
            ("span", "00:00:00.000001", "00:00:00 was accepted"),
            ("brief", "0", "00:00:00 was rejected with 23514"),
            ("born", "1900-01-02", "1900-01-01 was accepted"),
            ("big", "12345678901234567890", "12345678901234567890.00000000 was rejected with 23514"),
            ("round", "0.7", "0.6 was accepted"),
            ("coarse", "9007199254740994", "9007199254740993 was accepted"),
            ("coarse", "9007199254740992", "9007199254740992 was rejected with 23514"),
        ] {
            let message = refuted(&mut db, column(name).accepts_from(bound));
            assert!(message.contains(found), "{name} from {bound}: {message}");
        }
    }

    #[test]
    fn a_bound_that_the_type_cannot_hold_is_no_bound() {
        let mut db = scratch("CREATE TABLE t (a timestamp(0), b date, c uuid, d numeric(5,2))");
        for (name, bound, problem) in [
            ("a", "2024-01-01 00:00:00.5", "the bound \"2024-01-01 00:00:00.5\" is no value that column t.a can hold"),
            ("b", "soon", "the bound \"soon\" is no value that column t.b can hold"),
            ("c", "1", "a range needs a number, a date, a timestamp or an interval, and c is uuid"),
            ("d", "0.005", "the bound \"0.005\" is no value that column t.d can hold"),
        ] {
            let assertion = table("t").column(name).accepts_from(bound);
            let evidence = examine(&mut db, &assertion, std::panic::Location::caller());
            assert_eq!(evidence.message.as_deref(), Some(problem));
        }
    }
}
