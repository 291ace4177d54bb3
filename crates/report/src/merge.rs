//! Merges the reports of all shards of a run, and decides what a single shard cannot decide.

use std::collections::BTreeMap;

use super::{Majors, Report, SchemaReport, SectionReport, Shard, Verdict};

/// Why reports do not belong to one run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The report of a whole run.
    #[error("{name} is the report of a whole run; only reports of --shard runs can be merged")]
    Whole {
        /// The report.
        name: String,
    },
    /// Shards of runs with different numbers of shards.
    #[error("{name} is shard {shard}, but the first report is from a run of {of} shards")]
    Division {
        /// The report.
        name: String,
        /// Its shard.
        shard: Shard,
        /// The number of shards in the first report.
        of: u32,
    },
    /// A duplicate shard.
    #[error("duplicate report of shard {shard}: {name}")]
    Twice {
        /// The report.
        name: String,
        /// Its shard.
        shard: Shard,
    },
    /// Missing shards.
    #[error("missing shards: {} of {of}", .missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Missing {
        /// Which ones.
        missing: Vec<u32>,
        /// Of how many.
        of: u32,
    },
    /// Tests that no shard ran.
    #[error("the suite of {schema} has {listed} tests, but the shards ran {ran}: their suites differ")]
    Lost {
        /// The schema.
        schema: String,
        /// How many ran.
        ran: usize,
        /// How many the suite has.
        listed: usize,
    },
    /// Shards of different runs.
    #[error("{name} belongs to another run: its {what} differ from those of the first report")]
    Other {
        /// The report.
        name: String,
        /// What differs.
        what: &'static str,
    },
}

/// The whole run of which these named reports are the shards. Its duration is that of the longest shard.
pub fn merge(parts: Vec<(String, Report)>) -> Result<Report, MergeError> {
    let mut by_index: BTreeMap<u32, Report> = BTreeMap::new();
    let mut of = None;
    for (name, report) in parts {
        let shard = report.shard.ok_or_else(|| MergeError::Whole { name: name.clone() })?;
        let expected = *of.get_or_insert(shard.of);
        if shard.of != expected {
            return Err(MergeError::Division { name, shard, of: expected });
        }
        if let Some(first) = by_index.values().next() {
            differs(first, &report).map_or(Ok(()), |what| Err(MergeError::Other { name: name.clone(), what }))?;
        }
        if by_index.insert(shard.index, report).is_some() {
            return Err(MergeError::Twice { name, shard });
        }
    }
    let of = of.unwrap_or(1);
    let missing: Vec<u32> = (1..=of).filter(|index| !by_index.contains_key(index)).collect();
    if !missing.is_empty() {
        return Err(MergeError::Missing { missing, of });
    }
    let seconds = by_index.values().map(|report| report.seconds).fold(0.0, f64::max);
    let mut reports = by_index.into_values();
    // There is a first one, since none is missing.
    let Some(mut whole) = reports.next() else { return Err(MergeError::Missing { missing: vec![1], of }) };
    for report in reports {
        for (schema, more) in whole.schemas.iter_mut().zip(report.schemas) {
            add(schema, more);
        }
    }
    for schema in &whole.schemas {
        let ran = schema.sections.iter().map(|section| section.tests.len()).sum();
        // An error is reported by itself.
        let verdict = Verdict::of(schema.sections.iter().flat_map(|s| &s.tests).map(|test| test.verdict));
        if let Some(listed) = schema.listed.filter(|listed| *listed != ran && verdict != Verdict::Error) {
            return Err(MergeError::Lost { schema: schema.name.clone(), ran, listed });
        }
    }
    Ok(Report::new(whole.server, seconds, whole.schemas.into_iter().map(decided).collect()))
}

/// The same for runs on several majors.
pub fn merge_majors(parts: Vec<(String, Majors)>) -> Result<Majors, MergeError> {
    let mut by_major: BTreeMap<u16, Vec<(String, Report)>> = BTreeMap::new();
    for (name, majors) in parts {
        for report in majors.majors {
            by_major.entry(report.server.version.major).or_default().push((name.clone(), report));
        }
    }
    Ok(Majors::new(by_major.into_values().map(merge).collect::<Result<_, _>>()?))
}

/// What shows that two shards are not from the same run.
fn differs(first: &Report, other: &Report) -> Option<&'static str> {
    let names = |report: &Report| report.schemas.iter().map(|schema| schema.name.clone()).collect::<Vec<_>>();
    let migrations = |report: &Report| report.schemas.iter().map(|s| s.migrations.clone()).collect::<Vec<_>>();
    let listed = |report: &Report| report.schemas.iter().map(|schema| schema.listed).collect::<Vec<_>>();
    if first.server.version.major != other.server.version.major {
        Some("major versions")
    } else if names(first) != names(other) {
        Some("schemas")
    } else if migrations(first) != migrations(other) {
        Some("migrations")
    } else if listed(first) != listed(other) {
        Some("numbers of tests")
    } else {
        None
    }
}

/// Adds the tests of another shard. What no shard needed is not needed.
fn add(schema: &mut SchemaReport, more: SchemaReport) {
    schema.unmatched.retain(|pattern| more.unmatched.contains(pattern));
    for section in more.sections {
        match schema.sections.iter_mut().find(|known| known.module == section.module) {
            Some(known) => known.tests.extend(section.tests),
            None => schema.sections.push(section),
        }
    }
}

/// The sums, and the verdicts that depend on the whole run.
fn decided(schema: SchemaReport) -> SchemaReport {
    let sections = schema.sections.into_iter().map(|section| {
        let SectionReport { module, title, promised, mut tests, .. } = section;
        tests.sort_by(|one, other| one.name.cmp(&other.name));
        SectionReport::decided(module, title, promised, tests)
    });
    let sections: Vec<_> = sections.collect();
    let verdict = match Verdict::of(sections.iter().map(|section| section.verdict)) {
        Verdict::Nothing if !sections.is_empty() => Verdict::Refuted,
        verdict => verdict,
    };
    let unmatched = schema.unmatched;
    SchemaReport { unmatched, ..SchemaReport::of_sections(schema.name, verdict, schema.migrations, sections) }
}

#[cfg(test)]
mod tests {
    use super::super::gather::{Extent, SuiteRun, TestRun};
    use super::*;
    use pgproof_runner::config::Schema;

    fn part(shard: Option<(u32, u32)>, tests: &[(&str, bool)]) -> (String, Report) {
        let text = "migrations = \"sql\"\nsuite = { package = \"p\", test = \"t\" }\n\
                    sections = [{ module = \"one\", title = \"One\", tests = 2 }]";
        let schema: Schema = toml::from_str(text).expect("a schema");
        let ran =
            |(name, passed): &(&str, bool)| TestRun { name: (*name).to_owned(), passed: Some(*passed), output: None };
        let run = SuiteRun { tests: tests.iter().map(ran).collect(), ..SuiteRun::default() };
        let version = pgproof_server::Version { major: 16, minor: 1, text: "16.1".to_owned() };
        let server = super::super::ServerReport { provider: "local".to_owned(), database: None, version, limits: None };
        let mut report = Report::new(server, 1.0, vec![SchemaReport::new(&schema, &[], run, Extent::Shard)]);
        report.shard = shard.map(|(index, of)| Shard { index, of });
        (format!("{index}.json", index = shard.map_or(0, |(index, _)| index)), report)
    }

    #[test]
    fn all_shards_make_the_whole_run() {
        let whole = merge(vec![part(Some((2, 2)), &[("one::b", true)]), part(Some((1, 2)), &[("one::a", true)])]);
        let whole = whole.expect("all parts");
        // Nothing was checked in these tests.
        assert_eq!((whole.verdict, whole.counts.tests, whole.shard), (Verdict::NoAssertions, 2, None));
        let names: Vec<_> = whole.schemas[0].sections[0].tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["one::a", "one::b"]);
        let refuted = merge(vec![part(Some((1, 2)), &[("one::a", true)]), part(Some((2, 2)), &[("one::b", false)])]);
        assert_eq!(refuted.expect("all parts").verdict, Verdict::Refuted);
    }

    #[test]
    fn a_test_that_no_shard_ran_is_noticed() {
        let few = merge(vec![part(Some((1, 2)), &[("one::a", true)]), part(Some((2, 2)), &[])]).expect("all parts");
        assert_eq!(few.verdict, Verdict::Refuted, "two tests are specified");
    }

    #[test]
    fn the_tests_of_all_shards_are_all_tests() {
        let mut parts = vec![part(Some((1, 2)), &[("one::a", true), ("one::b", true)]), part(Some((2, 2)), &[])];
        for (_, report) in &mut parts {
            report.schemas[0].listed = Some(3);
        }
        let message = merge(parts).expect_err("a test is missing").to_string();
        assert!(message.ends_with("has 3 tests, but the shards ran 2: their suites differ"), "{message}");
    }

    #[test]
    fn reports_of_different_runs_are_not_merged() {
        let message = |parts| merge(parts).expect_err("no run").to_string();
        assert_eq!(message(vec![part(Some((1, 3)), &[])]), "missing shards: 2, 3 of 3");
        assert!(message(vec![part(None, &[])]).contains("0.json is the report of a whole run"));
        assert_eq!(
            message(vec![part(Some((1, 2)), &[]), part(Some((1, 2)), &[])]),
            "duplicate report of shard 1/2: 1.json"
        );
        assert_eq!(
            message(vec![part(Some((1, 2)), &[]), part(Some((2, 3)), &[])]),
            "2.json is shard 2/3, but the first report is from a run of 2 shards"
        );
        let mut other = part(Some((2, 2)), &[]);
        other.1.server.version.major = 15;
        assert_eq!(
            message(vec![part(Some((1, 2)), &[]), other]),
            "2.json belongs to another run: its major versions differ from those of the first report"
        );
    }
}
