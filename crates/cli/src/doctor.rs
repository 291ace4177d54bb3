//! `doctor`: checks the prerequisites of pgproof on this machine, and those of a schema's application. The values of
//! environment variables are never shown.

use std::fmt::Write as _;

use pgproof_report::Verdict;
use pgproof_runner::config::Variable;
use pgproof_runner::migration::select;
use pgproof_runner::{Config, Schema};
use pgproof_server::{ServerOptions, describe};
use pgproof_sql::with_causes;

use crate::suite;
use crate::terminal::say;

/// The arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Also check the environment variables that this schema's application needs; may be repeated
    #[arg(long, value_name = "SCHEMA")]
    schema: Vec<String>,
}

/// The result of one check: its subject, and what was found or is wrong.
type Finding = (String, Result<String, String>);

/// Runs all checks and prints the results.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let asked: Vec<&Schema> = arguments.schema.iter().map(|name| config.schema(name)).collect::<Result<_, _>>()?;
    let mut findings = vec![(config.shown(&config.file).display().to_string(), Ok(schemas(config)))];
    findings.push(("PostgreSQL".to_owned(), server(config)));
    findings.push(("cargo".to_owned(), suite::cargo_version()));
    for schema in config.schemas.values() {
        let migrations = select(config, schema).map(|files| format!("{} migrations", files.len()));
        findings.push((format!("schema {}", schema.name), migrations.map_err(|error| with_causes(&error))));
    }
    for schema in asked {
        if schema.environment.is_empty() {
            let nothing = format!("[schemas.{}.environment] in pgproof.toml lists no variables", schema.name);
            findings.push((format!("environment of {}", schema.name), Err(nothing)));
        }
        for (name, wanted) in &schema.environment {
            findings.push((name.clone(), variable(wanted, std::env::var(name).ok().as_deref())));
        }
    }
    say(format_args!("{}", rendered(&findings)))?;
    let wrong = findings.iter().any(|(_, found)| found.is_err());
    Ok(if wrong { Verdict::Refuted } else { Verdict::Proven })
}

fn schemas(config: &Config) -> String {
    let names: Vec<&str> = config.schemas.keys().map(String::as_str).collect();
    names.join(", ")
}

fn server(config: &Config) -> Result<String, String> {
    ServerOptions::of(&config.server).and_then(|options| describe(&options)).map_err(|error| with_causes(&error))
}

/// Checks a variable against its requirements.
fn variable(wanted: &Variable, value: Option<&str>) -> Result<String, String> {
    let purpose = wanted.purpose.as_ref().map(|purpose| format!(" ({purpose})")).unwrap_or_default();
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Err(format!("is not set{purpose}"));
    };
    let length = value.chars().count();
    let mut problems = Vec::new();
    if let Some(least) = wanted.at_least.filter(|least| length < *least) {
        problems.push(format!("has {length} characters, but needs {least} or more"));
    }
    if let Some(lengths) = wanted.lengths.as_ref().filter(|lengths| !lengths.contains(&length)) {
        let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
        problems.push(format!("has {length} characters, but needs {}", lengths.join(" or ")));
    }
    if wanted.hex && !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        problems.push("contains characters other than hexadecimal digits".to_owned());
    }
    if wanted.port && !value.parse::<u16>().is_ok_and(|port| port > 0) {
        problems.push("is not a port: expected a number from 1 to 65535".to_owned());
    }
    if problems.is_empty() { Ok("is set".to_owned()) } else { Err(format!("{}{purpose}", problems.join("; "))) }
}

fn rendered(findings: &[Finding]) -> String {
    let width = findings.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (what, found) in findings {
        let (mark, found) = match found {
            Ok(found) => ("✓", found),
            Err(problem) => ("✗", problem),
        };
        let found = found.replace('\n', &format!("\n  {:width$}  ", ""));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{mark} {what:<width$}  {found}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(wanted: &Variable, value: &str) -> String {
        let problem = variable(wanted, Some(value)).expect_err("a problem");
        assert!(!problem.contains(value), "the value is shown: {problem}");
        problem
    }

    #[test]
    fn problems_of_a_variable_are_reported_without_its_value() {
        let key = Variable { hex: true, lengths: Some(vec![32, 64]), ..Variable::default() };
        assert_eq!(variable(&key, Some(&"0f".repeat(16))), Ok("is set".to_owned()));
        assert_eq!(problem(&key, &"0f".repeat(20)), "has 40 characters, but needs 32 or 64");
        assert_eq!(problem(&key, &"xy".repeat(32)), "contains characters other than hexadecimal digits");
        let secret = Variable { at_least: Some(32), purpose: Some("signs tokens".to_owned()), ..Variable::default() };
        assert_eq!(problem(&secret, "hunter2"), "has 7 characters, but needs 32 or more (signs tokens)");
        assert_eq!(variable(&secret, None), Err("is not set (signs tokens)".to_owned()));
        assert_eq!(variable(&secret, Some("")), Err("is not set (signs tokens)".to_owned()));
        let port = Variable { port: true, ..Variable::default() };
        assert_eq!(variable(&port, Some("5432")), Ok("is set".to_owned()));
        assert_eq!(problem(&port, "65536"), "is not a port: expected a number from 1 to 65535");
        assert_eq!(problem(&port, "0"), "is not a port: expected a number from 1 to 65535");
    }
}
