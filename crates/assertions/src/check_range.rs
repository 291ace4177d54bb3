//! A column that accepts the numbers of a range: the bounds are accepted, their neighbours outside are rejected.

use pgproof_server::SqlState;
use std::collections::HashSet;

use pgproof_runner::Sandbox;
use pgproof_sql::ObjectId;

use crate::act::{NOT_STORED, Stored, store};
use crate::admission::Admission;
use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::problems::Problems;
use crate::strangers::numbers;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject};
use pgproof_catalog::{Catalog, Column, ConstraintKind};
use pgproof_catalog::{row::RowGenerator, row::Value, row::integer_range, row::literals, row::type_parts};

impl ColumnRef {
    /// It accepts this number and all greater ones, and rejects all smaller ones.
    pub fn accepts_from(self, least: impl Into<String>) -> CheckRange {
        CheckRange::new(self, Some(least.into()), None)
    }

    /// It accepts this number and all smaller ones, and rejects all greater ones.
    pub fn accepts_up_to(self, most: impl Into<String>) -> CheckRange {
        CheckRange::new(self, None, Some(most.into()))
    }

    /// It accepts the numbers from `least` to `most`, inclusive, and rejects all others.
    pub fn accepts_between(self, least: impl Into<String>, most: impl Into<String>) -> CheckRange {
        CheckRange::new(self, Some(least.into()), Some(most.into()))
    }
}

/// A column accepts the numbers between two bounds, inclusive, and rejects all others.
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
            (None, None) => "accepts any number".to_owned(),
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
        for (number, inside) in self.probes(sandbox, column, &admission)? {
            let stored = store(sandbox, &draft.with(&column.name, Value::text(&number)), &column.name)?;
            match (stored, inside) {
                (Stored::Value(Some(stored)), true) if same_number(&stored, &number) => {}
                (Stored::Value(Some(stored)), true) => problems.tell(format!("{number} was stored as {stored}")),
                (Stored::Value(None), true) => problems.tell(format!("{number} was stored as NULL")),
                (Stored::Nothing, true) => problems.tell(format!("{number}: {NOT_STORED}")),
                (Stored::Value(Some(stored)), false) if !same_number(&stored, &number) && self.holds(&stored) => {}
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

/// Whether two texts are the same number, however many decimals they have.
fn same_number(one: &str, other: &str) -> bool {
    one == other
        || matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(one), Ok(other)) if one.total_cmp(&other).is_eq())
}

impl CheckRange {
    /// Whether a number is in the range.
    fn holds(&self, number: &str) -> bool {
        let number: Option<f64> = number.parse().ok();
        let bound = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
        number.is_some_and(|n| {
            bound(&self.least).is_none_or(|least| n >= least) && bound(&self.most).is_none_or(|most| n <= most)
        })
    }

    /// The numbers to try, and whether each is in the range: those around the bounds, those that the column's CHECKs
    /// compare with, and, if a CHECK does more than that, those on which it decides otherwise than the range.
    fn probes(
        &self,
        sandbox: &mut Sandbox,
        column: &Column,
        admission: &Admission<'_>,
    ) -> Result<Vec<(String, bool)>, Failure> {
        let mut probes = self.around_bounds(column)?;
        let step = step(column, [&self.least, &self.most])?;
        let limits = limits(column, step);
        let fits = |number: &String| {
            let steps = number.parse::<f64>().ok().map(|number| number / step);
            steps.is_some_and(|n| {
                (n - n.round()).abs() < 1e-6 && limits.is_none_or(|(low, high)| (low..=high).contains(&n))
            })
        };
        let mut more: Vec<String> = literals(&admission.definitions().join(" "));
        if admission.is_open() {
            let many: Vec<String> = numbers(&more).into_iter().filter(fits).collect();
            match admission.admits(sandbox, &many)? {
                Some(accepted) => {
                    let accepted: HashSet<String> = accepted.into_iter().collect();
                    let differ = |number: &&String| accepted.contains(*number) != self.holds(number);
                    more.extend(many.iter().filter(differ).take(MOST_DIFFERING).cloned());
                }
                // A condition fails for one of them: each is tried.
                None => more.extend(many.into_iter().take(MOST_TRIED)),
            }
        }
        for number in more.into_iter().filter(fits) {
            if !probes.iter().any(|(known, _)| same_number(known, &number)) {
                let inside = self.holds(&number);
                probes.push((number, inside));
            }
        }
        Ok(probes)
    }

    fn around_bounds(&self, column: &Column) -> Result<Vec<(String, bool)>, Failure> {
        let step = step(column, [&self.least, &self.most])?;
        let bound = |text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let steps = text.parse::<f64>().ok().map(|number| number / step);
            match steps.filter(|steps| (steps - steps.round()).abs() < 1e-6) {
                Some(steps) => Ok(Some(steps.round())),
                None => Err(Failure::Expectation(format!(
                    "the bound {text:?} is no number that {} can hold",
                    self.subject()
                ))),
            }
        };
        // Numbers are counted in steps of the type, which f64 holds exactly up to 2^53.
        let (least, most) = (bound(&self.least)?, bound(&self.most)?);
        let limits = limits(column, step);
        let mut steps = Vec::new();
        for (at, outside) in [(least, -1.0), (most, 1.0)] {
            if let Some(at) = at {
                steps.extend([at, at - outside, at + outside]);
                // Far from the bound another rule may begin: try ever greater distances, up to where f64 still counts
                // by one.
                let far = (1..16).map(|power| 10_f64.powi(power)).take_while(|distance| distance + at.abs() < EXACT);
                steps.extend(far.flat_map(|distance| [at + distance, at - distance]));
            }
        }
        steps.extend(limits.map(|(low, high)| [low, high]).into_iter().flatten());
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        // Values closest to a bound are the most informative.
        let distance = |n: f64| [least, most].into_iter().flatten().map(|at| (n - at).abs()).fold(f64::MAX, f64::min);
        steps.sort_by(|left, right| distance(*left).total_cmp(&distance(*right)));
        let in_type = |n: &f64| limits.is_none_or(|(low, high)| (low..=high).contains(n));
        let inside = |n: f64| least.is_none_or(|least| n >= least) && most.is_none_or(|most| n <= most);
        let places = places(step);
        Ok(steps.into_iter().filter(in_type).map(|n| (format!("{:.places$}", n * step), inside(n))).collect())
    }
}

/// How many of the numbers that a CHECK decides otherwise are tried.
const MOST_DIFFERING: usize = 20;

/// How many numbers are tried if they cannot be evaluated beforehand.
const MOST_TRIED: usize = 300;

/// How many problems of a range are reported.
const SHOWN: usize = 3;

/// f64 holds every whole number up to this one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The distance between two neighbouring numbers of a column's type; if the type defines none, that of the bounds' own
/// decimals.
fn step(column: &Column, bounds: [&Option<String>; 2]) -> Result<f64, Failure> {
    let (base, modifiers) = type_parts(&column.ty.base);
    match (base.as_str(), modifiers.as_slice()) {
        (name, _) if integer_range(name).is_some() => Ok(1.0),
        ("numeric", [_, scale]) => Ok(10_f64.powi(-i32::try_from(*scale).unwrap_or(0))),
        ("numeric" | "real" | "double precision", _) => {
            let decimals = |text: &String| text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            let most = bounds.into_iter().flatten().map(decimals).max().unwrap_or(0).max(2);
            Ok(10_f64.powi(-i32::try_from(most).unwrap_or(2)))
        }
        _ => Err(Failure::Expectation(format!("a range needs a number, and {} is {}", column.name, column.ty.name))),
    }
}

/// The minimum and the maximum of a column's type, in steps.
#[expect(clippy::cast_precision_loss, reason = "limits beyond 2^53 are left out")]
fn limits(column: &Column, step: f64) -> Option<(f64, f64)> {
    let (base, modifiers) = type_parts(&column.ty.base);
    if let Some((least, most)) = integer_range(&base) {
        return ((least as f64) > -EXACT).then_some((least as f64, most as f64));
    }
    match modifiers.as_slice() {
        [precision, _] if *precision <= 15 => {
            let most = 10_f64.powi(i32::try_from(*precision).unwrap_or(0)) - 1.0;
            let _ = step; // a numeric(p, s) has 10^p - 1 steps on each side of zero
            Some((-most, most))
        }
        _ => None,
    }
}

fn places(step: f64) -> usize {
    (0..20)
        .find(|places| (step * 10_f64.powi(*places)).round() >= 1.0)
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
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
}
