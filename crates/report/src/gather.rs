//! Creates a report from the results of a suite: the verdict of the test harness on each test, and the evidence.

use std::collections::{BTreeMap, BTreeSet};

use super::{Counts, MigrationReport, Report, SchemaReport, SectionReport, ServerReport, TestReport, Verdict};
use pgproof_runner::migration::Applied;
use pgproof_runner::{config::Schema, config::Section};
use pgproof_runner::{evidence::Evidence, evidence::Outcome};

/// One run of a suite's test binary.
#[derive(Debug, Clone, Default)]
pub struct SuiteRun {
    /// The results of the tests, as reported by the harness.
    pub tests: Vec<TestRun>,
    /// The records written by its assertions.
    pub evidence: Vec<Evidence>,
    /// The error of the binary as a whole, if any.
    pub problem: Option<String>,
    /// The accepted differences that the configuration lists.
    pub accepted: Vec<String>,
}

/// The result of one test, as reported by the harness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRun {
    /// Its name.
    pub name: String,
    /// Whether it passed; `None` if it was ignored.
    pub passed: Option<bool>,
    /// What it printed, if it failed.
    pub output: Option<String>,
}

/// How many of a suite's tests ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of them: missing tests count.
    Whole,
    /// Some, by name: missing tests were not requested.
    Filtered,
    /// Those of a shard: missing tests are checked when the shards are merged.
    Shard,
}

impl Report {
    /// The report of a run. `seconds` is how long it took.
    pub fn new(server: ServerReport, seconds: f64, schemas: Vec<SchemaReport>) -> Report {
        let verdict = match Verdict::of(schemas.iter().map(|schema| schema.verdict)) {
            // The cause may be a missing privilege rather than the schema.
            Verdict::Refuted if server.limits.is_some() => Verdict::Error,
            verdict => verdict,
        };
        Report {
            format: super::FORMAT,
            verdict,
            server,
            shard: None,
            seconds,
            counts: Counts::sum(schemas.iter().map(|schema| schema.counts)),
            schemas,
        }
    }
}

impl SchemaReport {
    /// The report of one schema.
    pub fn new(schema: &Schema, applied: &[Applied], run: SuiteRun, extent: Extent) -> SchemaReport {
        let mut evidence: BTreeMap<String, Vec<Evidence>> = BTreeMap::new();
        for record in run.evidence {
            evidence.entry(record.test.clone()).or_default().push(record);
        }
        let mut tests: Vec<TestReport> = run
            .tests
            .into_iter()
            .map(|test| {
                let assertions = evidence.remove(&test.name).unwrap_or_default();
                TestReport { verdict: verdict(&test, &assertions), name: test.name, output: test.output, assertions }
            })
            .collect();
        // No test of that name ended, but something was checked: in a thread that a test started, say.
        for (name, assertions) in evidence {
            let run = TestRun { name, passed: Some(true), output: None };
            tests.push(TestReport { verdict: verdict(&run, &assertions), name: run.name, output: None, assertions });
        }
        if let Some(problem) = run.problem {
            let name = format!("{}::", schema.suite.test);
            tests.push(TestReport { name, verdict: Verdict::Error, output: Some(problem), assertions: Vec::new() });
        }
        let sections = sections(&schema.sections, tests, extent);
        let mut verdict = Verdict::of(sections.iter().map(|section| section.verdict));
        // A schema with an empty suite is not proven by the suites of others.
        if extent == Extent::Whole && verdict == Verdict::Nothing && !sections.is_empty() {
            verdict = Verdict::Refuted;
        }
        let migrations = applied.iter().map(migration).collect();
        let mut report = SchemaReport::of_sections(schema.name.clone(), verdict, migrations, sections);
        // A test that was refuted may have ended before it came to a difference.
        if extent != Extent::Filtered && verdict == Verdict::Proven && report.counts.not_tried == 0 {
            report.unmatched = report.unmatched(run.accepted);
        }
        report
    }

    /// The accepted differences of the configuration that no assertion needed.
    fn unmatched(&self, configured: Vec<String>) -> BTreeSet<String> {
        let tests = self.sections.iter().flat_map(|section| &section.tests);
        let needed: BTreeSet<_> = tests.flat_map(|test| &test.assertions).flat_map(|e| &e.accepted).collect();
        configured.into_iter().filter(|pattern| !needed.contains(pattern)).collect()
    }

    /// The report, with the sums of its sections.
    pub(super) fn of_sections(
        name: String,
        verdict: Verdict,
        migrations: Vec<MigrationReport>,
        sections: Vec<SectionReport>,
    ) -> SchemaReport {
        let counts = Counts::sum(sections.iter().map(|section| section.counts));
        SchemaReport { name, verdict, listed: None, migrations, unmatched: BTreeSet::new(), counts, sections }
    }
}

impl Counts {
    fn sum(parts: impl Iterator<Item = Counts>) -> Counts {
        parts.fold(Counts::default(), |sum, part| Counts {
            tests: sum.tests + part.tests,
            assertions: sum.assertions + part.assertions,
            behavioural: sum.behavioural + part.behavioural,
            proven: sum.proven + part.proven,
            refuted: sum.refuted + part.refuted,
            error: sum.error + part.error,
            not_tried: sum.not_tried + part.not_tried,
        })
    }

    fn of(tests: &[TestReport]) -> Counts {
        let all = || tests.iter().flat_map(|test| &test.assertions);
        let ended = |outcome| all().filter(|evidence| evidence.outcome == outcome).count();
        Counts {
            tests: tests.iter().filter(|test| test.verdict != Verdict::Nothing).count(),
            assertions: all().count(),
            behavioural: all().filter(|evidence| evidence.behavioural).count(),
            proven: ended(Outcome::Proven),
            refuted: ended(Outcome::Refuted),
            error: ended(Outcome::Error),
            not_tried: ended(Outcome::NotTried),
        }
    }
}

fn migration(applied: &Applied) -> MigrationReport {
    MigrationReport {
        file: applied.file.clone(),
        statements: applied.statements.len(),
        rows: applied.statements.iter().map(|statement| statement.rows).sum(),
    }
}

fn verdict(test: &TestRun, assertions: &[Evidence]) -> Verdict {
    let worst = Verdict::of(assertions.iter().map(|evidence| match evidence.outcome {
        Outcome::Proven => Verdict::Proven,
        Outcome::Refuted => Verdict::Refuted,
        Outcome::Error => Verdict::Error,
        Outcome::NotTried => Verdict::NotTried,
    }));
    match test.passed {
        None => Verdict::Nothing,
        // A test that checked nothing proves nothing.
        Some(true) if assertions.is_empty() => Verdict::NoAssertions,
        Some(true) => worst,
        // It ended early because something was not tried, and for no other reason.
        Some(false) if assertions.iter().any(|evidence| evidence.ended_test) => worst,
        Some(false) => worst.max(Verdict::Refuted),
    }
}

/// The tests by section: the configured sections in their order, then other modules by name.
fn sections(configured: &[Section], tests: Vec<TestReport>, extent: Extent) -> Vec<SectionReport> {
    let mut by_module: BTreeMap<String, Vec<TestReport>> = BTreeMap::new();
    for test in tests {
        let module = test.name.split_once("::").map_or("", |(module, _)| module);
        by_module.entry(module.to_owned()).or_default().push(test);
    }
    let mut sections = Vec::new();
    for section in configured {
        let tests = by_module.remove(&section.module).unwrap_or_default();
        if !tests.is_empty() || extent != Extent::Filtered {
            sections.push(self::section(section.clone(), tests, extent));
        }
    }
    for (module, tests) in by_module {
        let title = if module.is_empty() { "tests outside any module".to_owned() } else { module.replace('_', " ") };
        sections.push(self::section(Section { module, title, tests: 0 }, tests, extent));
    }
    sections
}

fn section(section: Section, mut tests: Vec<TestReport>, extent: Extent) -> SectionReport {
    let Section { module, title, tests: promised } = section;
    // They end in another order each time.
    tests.sort_by(|one, other| one.name.cmp(&other.name));
    if extent == Extent::Whole {
        return SectionReport::decided(module, title, promised, tests);
    }
    let verdict = Verdict::of(tests.iter().map(|test| test.verdict));
    // A selection of tests cannot have too few.
    let promised = if extent == Extent::Filtered { 0 } else { promised };
    SectionReport { module, title, verdict, promised, counts: Counts::of(&tests), tests }
}

impl SectionReport {
    /// The section with all its tests: fewer than specified refute it.
    pub(super) fn decided(module: String, title: String, promised: usize, tests: Vec<TestReport>) -> SectionReport {
        let counts = Counts::of(&tests);
        let mut verdict = Verdict::of(tests.iter().map(|test| test.verdict));
        if counts.tests < promised.max(1) {
            verdict = verdict.max(Verdict::Refuted);
        }
        SectionReport { module, title, verdict, promised, counts, tests }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let text = "migrations = \"sql\"\nsuite = { package = \"p\", test = \"t\" }\n\
                    sections = [{ module = \"one\", title = \"One\", tests = 2 }, { module = \"two\", title = \"Two\" }]";
        toml::from_str(text).expect("a schema")
    }

    fn test(name: &str, passed: Option<bool>) -> TestRun {
        TestRun { name: name.to_owned(), passed, output: None }
    }

    fn report(tests: Vec<TestRun>, extent: Extent) -> SchemaReport {
        SchemaReport::new(&schema(), &[], SuiteRun { tests, ..SuiteRun::default() }, extent)
    }

    #[test]
    fn fewer_tests_than_specified_refute_a_section() {
        let passing = || vec![test("one::a", Some(true)), test("two::b", Some(true)), test("three::c", Some(true))];
        let verdicts =
            |report: &SchemaReport| report.sections.iter().map(|s| (s.title.clone(), s.verdict)).collect::<Vec<_>>();
        let whole = report(passing(), Extent::Whole);
        let expected = [("One", Verdict::Refuted), ("Two", Verdict::NoAssertions), ("three", Verdict::NoAssertions)];
        assert_eq!(verdicts(&whole), expected.map(|(title, verdict)| (title.to_owned(), verdict)));
        assert_eq!(report(passing(), Extent::Filtered).verdict, Verdict::NoAssertions);
    }

    #[test]
    fn a_test_that_failed_without_evidence_is_refuted() {
        assert_eq!(report(vec![test("two::b", Some(false))], Extent::Filtered).verdict, Verdict::Refuted);
    }

    #[test]
    fn a_test_that_passed_and_checked_nothing_is_not_proven() {
        let verdict = report(vec![test("two::b", Some(true))], Extent::Filtered).verdict;
        assert_eq!((verdict, verdict.exit_code()), (Verdict::NoAssertions, 1));
    }

    fn record(outcome: &str, not_tried: Option<&str>, ended_test: bool) -> Evidence {
        let record = serde_json::json!({
            "schema": "shop", "test": "two::b", "location": "t.rs:1", "subject": "table orders", "sentence": "exists",
            "behavioural": false, "outcome": outcome, "not_tried": not_tried, "ended_test": ended_test,
            "message": null, "made_at": null, "micros": 1,
        });
        serde_json::from_value(record).expect("a record")
    }

    #[test]
    fn what_was_not_tried_neither_proves_nor_refutes() {
        let verdict = |passed, evidence: Vec<Evidence>| {
            let run = SuiteRun { tests: vec![test("two::b", Some(passed))], evidence, ..SuiteRun::default() };
            SchemaReport::new(&schema(), &[], run, Extent::Filtered).verdict
        };
        let writes = |ended| record("not_tried", Some("writes"), ended);
        let proven = || record("proven", None, false);
        assert_eq!(verdict(true, vec![writes(false)]), Verdict::NotTried);
        assert_eq!(verdict(true, vec![writes(false), proven()]), Verdict::Proven);
        // A test that was refused something and ended for that reason, and one that failed for another.
        assert_eq!(verdict(false, vec![proven(), writes(true)]), Verdict::Proven);
        assert_eq!(verdict(false, vec![proven(), writes(false)]), Verdict::Refuted);
        assert_eq!(verdict(false, vec![record("refuted", None, false), writes(true)]), Verdict::Refuted);
    }

    #[test]
    fn an_ignored_test_proves_nothing() {
        assert_eq!(report(vec![test("two::b", None)], Extent::Filtered).verdict, Verdict::Nothing);
    }
}
