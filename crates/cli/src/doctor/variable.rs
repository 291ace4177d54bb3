//! An environment variable that a schema's application needs: what is wrong with its value, without showing it.

use pgproof_live::Found;
use pgproof_runner::config::Variable;

/// Checks a variable against its requirements.
pub(super) fn variable(wanted: &Variable, value: Option<(&str, Found)>) -> Result<String, String> {
    let purpose = wanted.purpose.as_ref().map(|purpose| format!(" ({purpose})")).unwrap_or_default();
    let Some((value, place)) = value.filter(|(value, _)| !value.is_empty()) else {
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
    if problems.is_empty() { Ok(is_set(place)) } else { Err(format!("{}{purpose}", problems.join("; "))) }
}

fn is_set(place: Found) -> String {
    match place {
        Found::Environment => "is set".to_owned(),
        Found::File => "is set in .env".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(wanted: &Variable, value: &str) -> String {
        let problem = variable(wanted, Some((value, Found::Environment))).expect_err("a problem");
        assert!(!problem.contains(value), "the value is shown: {problem}");
        problem
    }

    #[test]
    fn problems_of_a_variable_are_reported_without_its_value() {
        let key = Variable { hex: true, lengths: Some(vec![32, 64]), ..Variable::default() };
        assert_eq!(variable(&key, Some((&"0f".repeat(16), Found::File))), Ok("is set in .env".to_owned()));
        assert_eq!(problem(&key, &"0f".repeat(20)), "has 40 characters, but needs 32 or 64");
        assert_eq!(problem(&key, &"xy".repeat(32)), "contains characters other than hexadecimal digits");
        let secret = Variable { at_least: Some(32), purpose: Some("signs tokens".to_owned()), ..Variable::default() };
        assert_eq!(problem(&secret, "hunter2"), "has 7 characters, but needs 32 or more (signs tokens)");
        assert_eq!(variable(&secret, None), Err("is not set (signs tokens)".to_owned()));
        assert_eq!(variable(&secret, Some(("", Found::File))), Err("is not set (signs tokens)".to_owned()));
        let port = Variable { port: true, ..Variable::default() };
        assert_eq!(variable(&port, Some(("5432", Found::Environment))), Ok("is set".to_owned()));
        assert_eq!(problem(&port, "65536"), "is not a port: expected a number from 1 to 65535");
        assert_eq!(problem(&port, "0"), "is not a port: expected a number from 1 to 65535");
    }
}
