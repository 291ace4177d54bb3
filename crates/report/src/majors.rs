//! The report on several major versions: a line for each, then only the differences between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FORMAT, Report, Verdict};
use pgproof_runner::evidence::Evidence;

/// What was proven on each major version. Serialized, this is the document of `--pg all --format json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Majors {
    /// The version of the document.
    pub format: u32,
    /// The verdict on all of them; it decides the exit code.
    pub verdict: Verdict,
    /// The whole report of each, oldest first.
    pub majors: Vec<Report>,
}

impl Majors {
    /// Combines these reports.
    pub fn new(mut majors: Vec<Report>) -> Majors {
        majors.sort_by(|one, other| one.server.version.cmp(&other.server.version));
        Majors { format: FORMAT, verdict: Verdict::of(majors.iter().map(|report| report.verdict)), majors }
    }

    /// Assertions whose result is not the same on all majors.
    fn differences(&self) -> Vec<Compared<'_>> {
        let by_major: Vec<(u16, Checked<'_>)> =
            self.majors.iter().map(|report| (report.server.version.major, checked(report))).collect();
        let all: BTreeSet<&(&str, usize)> = by_major.iter().flat_map(|(_, checked)| checked.keys()).collect();
        let compared = all.into_iter().map(|key| Compared {
            ended: by_major.iter().map(|(major, checked)| (*major, checked.get(key).copied())).collect(),
        });
        compared.filter(|compared| !compared.is_alike()).collect()
    }
}

/// One assertion and its result on each major; none where it was not checked.
struct Compared<'a> {
    ended: Vec<(u16, Option<&'a Evidence>)>,
}

impl Compared<'_> {
    fn is_alike(&self) -> bool {
        let outcome = |evidence: Option<&Evidence>| evidence.map(|evidence| evidence.outcome);
        self.ended.iter().all(|(_, evidence)| outcome(*evidence) == outcome(self.ended[0].1))
    }
}

/// Assertions, by test and position in it.
type Checked<'a> = BTreeMap<(&'a str, usize), &'a Evidence>;

/// Every assertion of a report, by its test and its position in it: its text may name a row that is new in each run.
fn checked(report: &Report) -> Checked<'_> {
    let tests = report.schemas.iter().flat_map(|schema| &schema.sections).flat_map(|section| &section.tests);
    let numbered =
        tests.flat_map(|test| test.assertions.iter().enumerate().map(|(at, one)| ((test.name.as_str(), at), one)));
    numbered.collect()
}

impl fmt::Display for Majors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in &self.majors {
            let counts = report.counts;
            let word = match report.verdict {
                Verdict::Proven => "proven",
                Verdict::Refuted => "refuted",
                Verdict::NoAssertions => "no assertions in some tests",
                Verdict::Error => "error",
                Verdict::Nothing | Verdict::NotTried => "nothing run",
            };
            writeln!(
                f,
                "PostgreSQL {:<6} {word}: {} of {} assertions hold in {} tests; {:.2} s",
                report.server.version.to_string(),
                counts.proven,
                counts.assertions,
                counts.tests,
                report.seconds
            )?;
        }
        let differences = self.differences();
        if differences.is_empty() {
            return writeln!(f, "\nno differences between these versions");
        }
        writeln!(f, "\ndifferent results ({}):", differences.len())?;
        for Compared { ended } in differences {
            if let Some(Evidence { schema, subject, sentence, .. }) = ended.iter().find_map(|(_, evidence)| *evidence) {
                writeln!(f, "\n  {schema}: {subject} {sentence}")?;
            }
            for (major, evidence) in ended {
                match evidence {
                    None => writeln!(f, "    {major}: not checked")?,
                    Some(Evidence { message: Some(message), .. }) => {
                        writeln!(f, "    {major}: {}", message.replace('\n', "\n      "))?;
                    }
                    Some(_) => writeln!(f, "    {major}: holds")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run on a major in which two assertions were checked, the second with this problem.
    fn report(major: u16, problem: Option<&str>) -> Report {
        let verdict = if problem.is_some() { "refuted" } else { "proven" };
        let counts = serde_json::json!({
            "tests": 1, "assertions": 2, "behavioural": 2, "error": 0,
            "proven": if problem.is_some() { 1 } else { 2 }, "refuted": usize::from(problem.is_some()),
        });
        let evidence = |subject: &str, outcome: &str, message: Option<&str>| {
            serde_json::json!({
                "schema": "shop", "test": "a::b", "location": "x.rs:1", "subject": subject, "sentence": "exists",
                "behavioural": true, "outcome": outcome, "message": message, "made_at": null, "micros": 1,
            })
        };
        let test = serde_json::json!({
            "name": "a::b", "verdict": verdict, "output": null,
            "assertions": [evidence("table a", "proven", None), evidence("table b", verdict, problem)],
        });
        let section = serde_json::json!({
            "module": "a", "title": "A", "verdict": verdict, "promised": 0, "counts": counts, "tests": [test],
        });
        let schema = serde_json::json!({
            "name": "shop", "verdict": verdict, "migrations": [], "counts": counts, "sections": [section],
        });
        serde_json::from_value(serde_json::json!({
            "format": FORMAT, "verdict": verdict, "seconds": 1.0, "counts": counts, "schemas": [schema],
            "server": { "provider": "local", "version": { "major": major, "minor": 1, "text": format!("{major}.1") } },
        }))
        .expect("a report")
    }

    #[test]
    fn only_differences_are_reported() {
        let same = Majors::new(vec![report(16, None), report(15, None)]);
        assert!(same.to_string().ends_with("\nno differences between these versions\n"), "{same}");
        let other = Majors::new(vec![report(15, None), report(14, Some("it does not exist"))]);
        assert_eq!(other.verdict, Verdict::Refuted);
        insta::assert_snapshot!(other, @"
        PostgreSQL 14.1   refuted: 1 of 2 assertions hold in 1 tests; 1.00 s
        PostgreSQL 15.1   proven: 2 of 2 assertions hold in 1 tests; 1.00 s

        different results (1):

          shop: table b exists
            14: it does not exist
            15: holds
        ");
    }
}
