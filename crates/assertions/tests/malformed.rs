//! The corpus of malformed fixtures in `fixtures/malformed/lines.toml`: each is an error that names the file, and the line
//! if there is one.

use std::path::Path;

use pgproof_assertions::expectation::read;
use pgproof_assertions::lines::ColumnLine;
use pgproof_runner::Sandbox;
use serde::Deserialize;

/// One malformed fixture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    input: String,
    /// What is not text, in hexadecimal digits.
    bytes: Option<String>,
    /// The beginning of the error.
    message: String,
}

#[derive(Deserialize)]
struct Corpus {
    case: Vec<Case>,
}

#[test]
fn every_malformed_fixture_is_an_error() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/malformed/lines.toml");
    let corpus: Corpus = toml::from_str(&std::fs::read_to_string(corpus).expect("the corpus")).expect("cases");
    assert!(corpus.case.len() >= 50, "{} cases", corpus.case.len());
    let directory = tempfile::tempdir().expect("a directory");
    // A scratch database has no fixtures: its file names are used as they are.
    let sandbox = Sandbox::scratch("").expect("a database");
    let mut problems = Vec::new();
    for (number, case) in corpus.case.iter().enumerate() {
        let file = directory.path().join(format!("{number}.csv"));
        let digits = |at: usize, hex: &str| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits");
        let content = match &case.bytes {
            Some(hex) => (0..hex.len()).step_by(2).map(|at| digits(at, hex)).collect(),
            None => case.input.clone().into_bytes(),
        };
        std::fs::write(&file, content).expect("a file");
        let name = file.to_str().expect("a name");
        let said = match read::<ColumnLine>(&sandbox, name) {
            Ok(lines) => format!("{} lines", lines.len()),
            Err(error) => pgproof_sql::with_causes(&error).replace(name, "FILE"),
        };
        let is_right = !case.message.is_empty() && said.starts_with(&case.message) && said.contains("FILE");
        problems.extend((!is_right).then(|| format!("{:?} {:?}: {said:?}", case.input, case.bytes)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
