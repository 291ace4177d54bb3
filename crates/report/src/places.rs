//! Refutations that point at one place of the migrations: one fault, and what follows from it. The report shows them
//! together, under the place.

use std::collections::{BTreeMap, BTreeSet};

use pgproof_runner::evidence::{Evidence, Outcome};

use super::{SchemaReport, TestReport};

/// From this many refutations on, the place is shown once.
const SEVERAL: usize = 2;

/// A place that several refutations point at.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The refutations with their tests: first those that were read from the catalog, which say what is there, and then
    /// those that were acted out, which say what follows.
    pub refutations: Vec<(&'a TestReport, &'a Evidence)>,
    /// In how many tests they are.
    pub tests: usize,
}

impl Place<'_> {
    /// Where it is.
    pub(super) fn shown(&self) -> String {
        let origin = self.refutations.iter().find_map(|(_, evidence)| evidence.made_at.as_ref());
        origin.map(ToString::to_string).unwrap_or_default()
    }

    /// Whether a refutation is shown here.
    pub(super) fn shows(&self, evidence: &Evidence) -> bool {
        self.refutations.iter().any(|(_, shown)| std::ptr::eq(*shown, evidence))
    }
}

/// The places in a schema, that of most refutations first.
pub(super) fn places(schema: &SchemaReport) -> Vec<Place<'_>> {
    let mut by_line: BTreeMap<_, Vec<(&TestReport, &Evidence)>> = BTreeMap::new();
    for test in schema.sections.iter().flat_map(|section| &section.tests) {
        let refuted = test.assertions.iter().filter(|evidence| evidence.outcome == Outcome::Refuted);
        for (evidence, origin) in refuted.filter_map(|evidence| Some((evidence, evidence.made_at.as_ref()?))) {
            by_line.entry((&origin.file, origin.line)).or_default().push((test, evidence));
        }
    }
    let mut places: Vec<Place<'_>> = by_line
        .into_values()
        .filter(|found| found.len() >= SEVERAL)
        .map(|mut found| {
            found.sort_by_key(|(_, evidence)| evidence.behavioural);
            let tests: BTreeSet<&String> = found.iter().map(|(test, _)| &test.name).collect();
            Place { tests: tests.len(), refutations: found }
        })
        .collect();
    places.sort_by_key(|place| std::cmp::Reverse(place.refutations.len()));
    places
}

#[cfg(test)]
mod tests {
    use crate::{Counts, SectionReport, TestReport, Verdict};
    use crate::{Report, SchemaReport, ServerReport, Text};

    /// A test with assertions that are refuted at these lines of one file; at none, without a place.
    fn test(name: &str, behavioural: bool, lines: &[u32]) -> TestReport {
        let evidence = |line: &u32| {
            let made_at = (*line > 0).then(|| serde_json::json!({ "file": "002.sql", "line": line, "column": 5 }));
            let evidence = serde_json::json!({
                "schema": "shop", "test": name, "location": "t.rs:1", "subject": format!("table {name}{line}"),
                "sentence": "exists", "object": "", "behavioural": behavioural, "outcome": "refuted",
                "message": "it does not", "made_at": made_at, "micros": 1,
            });
            serde_json::from_value(evidence).expect("evidence")
        };
        let assertions = lines.iter().map(evidence).collect();
        TestReport { name: name.to_owned(), verdict: Verdict::Refuted, output: None, assertions }
    }

    fn text(tests: Vec<TestReport>) -> String {
        let section = SectionReport {
            module: "t".to_owned(),
            title: "T".to_owned(),
            verdict: Verdict::Refuted,
            promised: 0,
            counts: Counts { tests: tests.len(), ..Counts::default() },
            tests,
        };
        let schema = SchemaReport::of_sections("shop".to_owned(), Verdict::Refuted, Vec::new(), vec![section]);
        let server = serde_json::json!({ "provider": "local", "version": { "major": 15, "minor": 1, "text": "15.1" } });
        let server: ServerReport = serde_json::from_value(server).expect("a server");
        let (verdict, counts) = (Verdict::Refuted, Counts::default());
        let schemas = vec![schema];
        let report = Report { format: crate::FORMAT, verdict, server, shard: None, seconds: 0.0, counts, schemas };
        let text = Text { report: &report, colour: false }.to_string();
        text.split_once("\n\n").map(|(_, problems)| problems.to_owned()).expect("problems")
    }

    #[test]
    fn what_one_place_refutes_is_shown_together() {
        insta::assert_snapshot!(text(vec![test("a", true, &[7, 9]), test("b", false, &[7, 0])]), @"
        refuted  2 assertions of shop in 2 tests, at one place
            defined at 002.sql:7:5
          table b7 exists
            it does not
            checked at t.rs:1 in b
          table a7 exists
            it does not
            checked at t.rs:1 in a

        refuted  shop::a
          table a9 exists
            it does not
            defined at 002.sql:9:5
            checked at t.rs:1

        refuted  shop::b
          table b0 exists
            it does not
            checked at t.rs:1

        refuted: 0 of 0 assertions hold (0 acted out) in 0 tests; 0.00 s
        ");
    }

    #[test]
    fn what_is_refuted_at_different_places_stays_with_its_test() {
        insta::assert_snapshot!(text(vec![test("a", true, &[7]), test("b", false, &[8])]), @"
        refuted  shop::a
          table a7 exists
            it does not
            defined at 002.sql:7:5
            checked at t.rs:1

        refuted  shop::b
          table b8 exists
            it does not
            defined at 002.sql:8:5
            checked at t.rs:1

        refuted: 0 of 0 assertions hold (0 acted out) in 0 tests; 0.00 s
        ");
    }
}
