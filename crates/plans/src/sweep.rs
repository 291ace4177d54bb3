//! Where a plan flips: a claim about an index over a range of table sizes, tried at sizes in geometric steps; each flip
//! is then narrowed down.

use pgproof_sql::{ObjectId, ObjectKind, Property, QualifiedName};
use std::collections::BTreeMap;

use pgproof_runner::Sandbox;

use super::claim::name;
use super::explain::Mode;
use super::scale::{ScaleError, Scaled, scaled_template};
use super::workload::WorkloadQuery;
use pgproof_assertions::pin::Pin;
use pgproof_assertions::{
    assertion::Assertion, assertion::Failure, assertion::Subject, assertion::failing, assertion::refuted_by,
};
use pgproof_catalog::{Catalog, family};

/// Each size is this multiple of the previous one.
const STEP: f64 = 3.0;

/// The relative precision to which a flip is located.
const PRECISION: f64 = 0.05;

/// The beginning of a claim about a range of sizes.
#[derive(Debug, Clone)]
pub struct FromRows {
    query: WorkloadQuery,
    role: Option<String>,
    index: QualifiedName,
    table: QualifiedName,
    from: u64,
}

impl FromRows {
    pub(super) fn new(
        query: WorkloadQuery,
        role: Option<String>,
        index: QualifiedName,
        table: QualifiedName,
        from: u64,
    ) -> FromRows {
        FromRows { query, role, index, table, from }
    }

    /// Up to this many rows.
    pub fn to_rows(self, to: u64) -> UsesIndexBetween {
        UsesIndexBetween { range: self, to }
    }
}

/// A query's plan uses an index for every size of a table in a range.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct UsesIndexBetween {
    range: FromRows,
    to: u64,
}

impl Assertion for UsesIndexBetween {
    fn subject(&self) -> Subject {
        Subject::called(ObjectId::index(&self.range.index), format!("query {}", name(&self.range.query)))
    }

    fn sentence(&self) -> String {
        let FromRows { index, table, from, .. } = &self.range;
        format!("uses index {index} from {} to {} rows of {table}", thousands(*from), thousands(self.to))
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let query = ObjectId::global(ObjectKind::Query, name(&self.range.query));
        let index = ObjectId::index(&self.range.index);
        vec![Pin::looked_at(query, Property::Plan), Pin::looked_at(index, Property::Existence)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let FromRows { from, index, .. } = &self.range;
        if *from == 0 || *from > self.to {
            return Err(Failure::Expectation(format!("{from} to {} is no range of rows", self.to)));
        }
        let catalog = Catalog::of(sandbox)?;
        let family = family(sandbox, &catalog, index)?;
        let mut scaled = scaled_template(sandbox.template()).map_err(as_failure)?;
        let mut short = None;
        let mut uses = |rows: u64| self.uses(sandbox, &mut scaled, &family, rows, &mut short);
        let mut flips = Vec::new();
        let first = uses(*from)?;
        let (mut last_rows, mut last) = (*from, first);
        while last_rows < self.to {
            let rows = step(last_rows).min(self.to);
            let now = uses(rows)?;
            if now != last {
                flips.push((narrow(last_rows, rows, last, &mut uses)?, now));
            }
            (last_rows, last) = (rows, now);
        }
        if first && flips.is_empty() {
            return Ok(());
        }
        Err(short.unwrap_or_else(|| refuted_by(ObjectId::index(index), frontier(first, &flips))))
    }
}

impl UsesIndexBetween {
    fn uses(
        &self,
        usual: &Sandbox,
        scaled: &mut Scaled,
        family: &std::collections::HashSet<String>,
        rows: u64,
        short: &mut Option<Failure>,
    ) -> Result<bool, Failure> {
        let FromRows { query, role, table, .. } = &self.range;
        let sandbox = scaled.plan_as_if(&BTreeMap::from([(table.to_string(), rows)])).map_err(as_failure)?;
        let plan = query.explain(sandbox, Mode::Custom, role.as_deref()).map_err(failing)?.plan;
        *short = super::shortage::note(usual, &plan).or(short.take());
        Ok(plan.all().iter().any(|node| node.index.as_ref().is_some_and(|index| family.contains(index))))
    }
}

/// The first size, between two sizes, at which the plan differs from `before`.
fn narrow(
    low: u64,
    high: u64,
    before: bool,
    uses: &mut impl FnMut(u64) -> Result<bool, Failure>,
) -> Result<u64, Failure> {
    let (mut low, mut high) = (low, high);
    while high - low > 1 && precise(low, high) {
        let middle = low + (high - low) / 2;
        if uses(middle)? == before { low = middle } else { high = middle }
    }
    Ok(high)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^53")]
fn precise(low: u64, high: u64) -> bool {
    (high - low) as f64 > PRECISION * high as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of rows are positive and far below 2^53"
)]
fn step(rows: u64) -> u64 {
    ((rows as f64 * STEP) as u64).max(rows + 1)
}

/// Where the index is used and where it is not, in words.
fn frontier(first: bool, flips: &[(u64, bool)]) -> String {
    let word = |used: bool| if used { "the index is used" } else { "the index is not used" };
    let mut text = word(first).to_owned();
    match flips {
        [] => text.push_str(" at any size"),
        flips => {
            for (number, (rows, used)) in flips.iter().enumerate() {
                let below = if number == 0 { " below" } else { ", up to" };
                text.push_str(&format!("{below} about {} rows, {} from there", thousands(*rows), word(*used)));
            }
        }
    }
    text
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn as_failure(error: ScaleError) -> Failure {
    match error {
        ScaleError::Database(error) => Failure::Database(error),
        other => Failure::Expectation(pgproof_sql::with_causes(&other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlanClaims;

    #[test]
    fn a_claim_over_sizes_tells_where_the_plan_flips() {
        let make = "CREATE TABLE t (id int PRIMARY KEY, part int NOT NULL, filler text);
            INSERT INTO t SELECT n, n % 300, repeat('x', 100) FROM generate_series(1, 6000) n; CREATE INDEX by_part ON t (part);";
        let template = pgproof_runner::isolation::Template::scratch()
            .and_then(|template| {
                template.derived("sweep", |session, _| -> Result<String, pgproof_server::DatabaseError> {
                    session.run(make)?;
                    session.run("VACUUM (ANALYZE) t")?;
                    Ok(String::new())
                })
            })
            .unwrap_or_else(|error| panic!("{}", pgproof_sql::with_causes(&error)));
        let mut db = Sandbox::on(template).expect("a sandbox");
        let query =
            || super::super::PlannedQuery::new(WorkloadQuery::unnamed("SELECT * FROM t WHERE part = 7".into()), None);
        pgproof_assertions::testing::proven(
            &mut db,
            query().uses_index_from("by_part", "t", 3_000).to_rows(50_000_000),
        );
        let message = pgproof_assertions::testing::refuted(
            &mut db,
            query().uses_index_from("by_part", "t", 1).to_rows(1_000_000),
        );
        assert!(
            message.contains("the index is not used below about ")
                && message.contains(" rows, the index is used from there"),
            "{message}"
        );
        let message =
            pgproof_assertions::testing::refuted(&mut db, query().uses_index_from("gone", "t", 1).to_rows(1_000));
        assert!(message.contains("the index is not used at any size"), "{message}");
    }

    #[test]
    fn a_frontier_reads_like_a_sentence() {
        assert_eq!(
            frontier(false, &[(3100, true)]),
            "the index is not used below about 3,100 rows, the index is used from there"
        );
        assert_eq!(frontier(false, &[]), "the index is not used at any size");
    }

    #[test]
    fn a_flip_is_narrowed_down() {
        let found = narrow(1000, 2000, false, &mut |rows| Ok(rows >= 1234)).expect("no error");
        assert!((1234..=1300).contains(&found), "{found}");
    }
}
