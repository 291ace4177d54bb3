//! The report for humans: one line per section, then everything needed to fix what is not proven.

use std::fmt;

use super::causes::{causes, shared_message};
use super::not_tried::not_tried;
use super::places::places;
use super::{Counts, Majors, Report, Reporter, SchemaReport, SectionReport, TestReport, Verdict};
use pgproof_runner::{evidence::Evidence, evidence::Outcome};

/// A report as text.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The report.
    pub report: &'a Report,
    /// Whether colours may be used.
    pub colour: bool,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { server, schemas, .. } = self.report;
        for schema in schemas {
            let shard = self.report.shard.map(|shard| format!(", shard {shard}")).unwrap_or_default();
            match &server.database {
                Some(database) => writeln!(f, "{} in {database}, PostgreSQL {}", schema.name, server.version)?,
                None => {
                    writeln!(f, "{} on PostgreSQL {} ({}){shard}", schema.name, server.version, server.provider)?;
                }
            }
            self.sections(f, schema)?;
            Self::exhibits(f, schema)?;
            writeln!(f)?;
        }
        for schema in schemas {
            for section in &schema.sections {
                self.shortfall(f, section)?;
            }
            self.problems(f, schema)?;
            Self::not_tried(f, schema)?;
        }
        self.summary(f)
    }
}

/// Reports for humans.
#[derive(Debug, Clone, Copy)]
pub struct AsText {
    /// Whether colours may be used.
    pub colour: bool,
}

impl Reporter for AsText {
    fn report(&self, report: &Report) -> Result<String, serde_json::Error> {
        Ok(Text { report, colour: self.colour }.to_string())
    }

    fn majors(&self, majors: &Majors) -> Result<String, serde_json::Error> {
        Ok(majors.to_string())
    }
}

impl Text<'_> {
    fn sections(&self, f: &mut fmt::Formatter<'_>, schema: &SchemaReport) -> fmt::Result {
        let width = schema.sections.iter().map(|section| section.title.chars().count()).max().unwrap_or(0);
        // To a database that is in use, none were applied.
        if self.report.server.database.is_none() {
            let statements: usize = schema.migrations.iter().map(|migration| migration.statements).sum();
            let title = format!("{:<width$}", "Migrations");
            let files = counted(schema.migrations.len(), "file");
            writeln!(f, "  {} {title}  {files:>9}  {statements:>4} statements", self.mark(Verdict::Proven))?;
        }
        for section in &schema.sections {
            let Counts { tests, assertions, .. } = section.counts;
            let title = format!("{:<width$}", section.title);
            let tests = counted(tests, "test");
            writeln!(
                f,
                "  {} {title}  {tests:>9}  {assertions:>4} assertions{}",
                self.mark(section.verdict),
                self.shortcoming(section)
            )?;
        }
        Ok(())
    }

    /// The exhibits, proven or not.
    fn exhibits(f: &mut fmt::Formatter<'_>, schema: &SchemaReport) -> fmt::Result {
        let tests = schema.sections.iter().flat_map(|section| &section.tests);
        let extents = tests.clone().flat_map(|test| &test.assertions).filter_map(|e| Some((e, e.extent?)));
        for (evidence, extent) in extents {
            writeln!(f, "  {} {}: {extent} tried", evidence.subject, evidence.sentence)?;
        }
        let undecided =
            tests.clone().flat_map(|test| &test.assertions).filter_map(|e| Some((e, e.undecided.as_ref()?)));
        for (evidence, reason) in undecided {
            writeln!(f, "  {} {}: not decided, {reason}", evidence.subject, evidence.sentence)?;
        }
        for pattern in &schema.unmatched {
            writeln!(f, "  rerun.accepted: {pattern} matched nothing in this run; remove it from pgproof.toml")?;
        }
        for exhibit in tests.flat_map(|test| &test.assertions).filter_map(|evidence| evidence.exhibit.as_ref()) {
            writeln!(f, "\n  {}", exhibit.trim_end().replace('\n', "\n  "))?;
        }
        Ok(())
    }

    /// What is not proven in a section, at the end of its line.
    fn shortcoming(&self, section: &SectionReport) -> String {
        let Counts { refuted, error, not_tried, .. } = section.counts;
        let ended = |verdict| section.tests.iter().filter(|test| test.verdict == verdict).count();
        let mut parts = Vec::new();
        if refuted > 0 {
            parts.push(format!("{refuted} refuted"));
        } else if ended(Verdict::Refuted) > 0 {
            parts.push(format!("{} failed", counted(ended(Verdict::Refuted), "test")));
        }
        if error.max(ended(Verdict::Error)) > 0 {
            parts.push(format!("{} could not be checked", error.max(ended(Verdict::Error))));
        }
        if ended(Verdict::NoAssertions) > 0 {
            parts.push(format!("{} without an assertion", counted(ended(Verdict::NoAssertions), "test")));
        }
        if ended(Verdict::Nothing) > 0 {
            parts.push(format!("{} not run", ended(Verdict::Nothing)));
        }
        if not_tried > 0 {
            parts.push(format!("{not_tried} not tried"));
        }
        let parts = parts.join(", ");
        if parts.is_empty() { parts } else { format!("   {}", self.paint(section.verdict, &parts)) }
    }

    /// A section with fewer tests than specified.
    fn shortfall(&self, f: &mut fmt::Formatter<'_>, section: &SectionReport) -> fmt::Result {
        let SectionReport { title, module, promised, counts, verdict, .. } = section;
        let expected = (*promised).max(1);
        // For a shard this is not known yet.
        if self.report.shard.is_none() && *verdict >= Verdict::Refuted && counts.tests < expected {
            let word = self.paint(Verdict::Refuted, "refuted");
            let tests = counted(counts.tests, "test");
            writeln!(f, "{word}  {title}\n  {tests} in module {module}, but the runbook specifies {expected}\n")?;
        }
        Ok(())
    }

    /// What keeps many assertions from being proven, then what one place refutes several of, then every test that is not
    /// proven for another reason.
    fn problems(&self, f: &mut fmt::Formatter<'_>, schema: &SchemaReport) -> fmt::Result {
        let causes = causes(schema);
        for cause in &causes {
            let word = self.paint(Verdict::Error, "error");
            let (assertions, tests) = (counted(cause.assertions, "assertion"), counted(cause.tests, "test"));
            writeln!(f, "{word}    {assertions} of {} in {tests} could not be checked:", schema.name)?;
            writeln!(f, "    {}", cause.message.replace('\n', "\n    "))?;
            if let Some(origin) = &cause.first.made_at {
                writeln!(f, "    defined at {origin}")?;
            }
            writeln!(f, "  the first: {} {}", cause.first.subject, cause.first.sentence)?;
            writeln!(f, "    checked at {}\n", cause.first.location)?;
        }
        let places = places(schema);
        for place in &places {
            let word = self.paint(Verdict::Refuted, "refuted");
            let (assertions, tests) = (counted(place.refutations.len(), "assertion"), counted(place.tests, "test"));
            writeln!(f, "{word}  {assertions} of {} in {tests}, at one place", schema.name)?;
            writeln!(f, "    defined at {}", place.shown())?;
            for (test, evidence) in &place.refutations {
                Self::found(f, evidence)?;
                writeln!(f, "    checked at {} in {}", evidence.location, test.name)?;
            }
            writeln!(f)?;
        }
        let is_shown = |e: &Evidence| {
            causes.iter().any(|cause| shared_message(e) == Some(cause.message))
                || places.iter().any(|place| place.shows(e))
        };
        for test in schema.sections.iter().flat_map(|section| &section.tests) {
            let mut unproven = test.assertions.iter().filter(|e| is_unproven(e)).peekable();
            if unproven.peek().is_some() && unproven.all(is_shown) {
                continue;
            }
            self.problem(f, schema, test, &is_shown)?;
        }
        Ok(())
    }

    fn problem(
        &self,
        f: &mut fmt::Formatter<'_>,
        schema: &SchemaReport,
        test: &TestReport,
        is_shown: &dyn Fn(&Evidence) -> bool,
    ) -> fmt::Result {
        let word = match test.verdict {
            Verdict::Proven | Verdict::NotTried => return Ok(()),
            Verdict::Refuted => "refuted",
            Verdict::NoAssertions => "no assertions",
            Verdict::Error => "error  ",
            Verdict::Nothing => "not run",
        };
        writeln!(f, "{}  {}::{}", self.paint(test.verdict, word), schema.name, test.name)?;
        let unproven: Vec<_> = test.assertions.iter().filter(|e| is_unproven(e)).collect();
        for evidence in unproven.iter().filter(|evidence| !is_shown(evidence)) {
            Self::evidence(f, evidence)?;
        }
        // An assertion has its own message; for any other failure there is the output of the harness.
        match (&test.output, unproven.is_empty()) {
            (Some(output), true) => writeln!(f, "  {}", output.trim_end().replace('\n', "\n  "))?,
            (None, true) if test.verdict == Verdict::Nothing => writeln!(f, "  the test is marked #[ignore]")?,
            (None, true) if test.verdict == Verdict::NoAssertions => writeln!(
                f,
                "  the test passed and checked no assertion, so it proves nothing; check one with `db.check`, or remove the test"
            )?,
            _ => {}
        }
        writeln!(f)
    }

    /// What was not tried, by reason.
    fn not_tried(f: &mut fmt::Formatter<'_>, schema: &SchemaReport) -> fmt::Result {
        let all = not_tried(schema);
        for untried in &all {
            write!(f, "{untried}")?;
        }
        if all.is_empty() { Ok(()) } else { writeln!(f) }
    }

    fn found(f: &mut fmt::Formatter<'_>, evidence: &Evidence) -> fmt::Result {
        writeln!(f, "  {} {}", evidence.subject, evidence.sentence)?;
        if let Some(message) = &evidence.message {
            writeln!(f, "    {}", message.replace('\n', "\n    "))?;
        }
        Ok(())
    }

    fn evidence(f: &mut fmt::Formatter<'_>, evidence: &Evidence) -> fmt::Result {
        Self::found(f, evidence)?;
        if let Some(origin) = &evidence.made_at {
            writeln!(f, "    defined at {origin}")?;
        }
        writeln!(f, "    checked at {}", evidence.location)
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { verdict, counts, seconds, .. } = self.report;
        let Counts { tests, assertions, behavioural, proven, refuted, error, not_tried } = counts;
        let word = match verdict {
            Verdict::Proven => "proven",
            Verdict::Refuted => "refuted",
            Verdict::NoAssertions => "no assertions in some tests",
            Verdict::Error => "error",
            Verdict::NotTried => {
                let word = self.paint(*verdict, "nothing tried");
                return writeln!(f, "{word}: {not_tried} assertions were not tried, so nothing was proven");
            }
            Verdict::Nothing => {
                return writeln!(f, "{}: no test matched, so nothing was proven", self.paint(*verdict, "nothing run"));
            }
        };
        let tests = counted(*tests, "test");
        if let Some(limits) = &self.report.server.limits {
            writeln!(f, "{limits}; run as a superuser, or on a server started by pgproof")?;
        }
        let word = self.paint(*verdict, word);
        if self.report.server.database.is_some() {
            let all = self.report.schemas.iter().flat_map(|schema| &schema.sections).flat_map(|section| &section.tests);
            let tests = all.filter(|test| !matches!(test.verdict, Verdict::Nothing | Verdict::NotTried)).count();
            let (tried, tests) = (assertions - not_tried, counted(tests, "test"));
            write!(f, "{word}: {proven} of {tried} assertions that were tried hold in {tests}")?;
        } else {
            write!(f, "{word}: {proven} of {assertions} assertions hold ({behavioural} acted out) in {tests}")?;
        }
        if refuted + error > 0 {
            write!(f, "; {refuted} refuted, {error} could not be checked")?;
        }
        if *not_tried > 0 {
            write!(f, "; {not_tried} were not tried")?;
        }
        writeln!(f, "; {seconds:.2} s")
    }

    fn mark(&self, verdict: Verdict) -> String {
        let mark = match verdict {
            Verdict::Proven => "✓",
            Verdict::Refuted => "✗",
            Verdict::NoAssertions => "?",
            Verdict::Error => "!",
            Verdict::Nothing | Verdict::NotTried => "-",
        };
        self.paint(verdict, mark)
    }

    fn paint(&self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Proven => 32,
            Verdict::Refuted => 31,
            Verdict::Error => 35,
            Verdict::NoAssertions | Verdict::Nothing | Verdict::NotTried => 33,
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Whether a record says that something was tried and is not proven.
fn is_unproven(evidence: &Evidence) -> bool {
    !matches!(evidence.outcome, Outcome::Proven | Outcome::NotTried)
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
