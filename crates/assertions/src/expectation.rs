//! Expectations given as tables: CSV files in a schema's fixtures, parsed into typed rows. Errors name file, line and
//! column.

use std::path::{Path, PathBuf};

use pgproof_catalog::Catalog;
use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::shortened_word;
use serde::de::DeserializeOwned;

use crate::check;

/// Why a fixture cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExpectationError {
    /// It cannot be opened.
    #[error("cannot read {}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is malformed: wrong header, wrong type or wrong number of fields.
    #[error("{}:{line}: {problem}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong, and in which column.
        problem: String,
    },
    /// The migrated schema cannot be asked for its tables.
    #[error("cannot look up the tables of {}", .file.display())]
    Tables {
        /// The file.
        file: PathBuf,
        /// Why.
        source: DatabaseError,
    },
    /// It has only a header.
    #[error("{} has no rows: it expects nothing", .file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

/// The rows of a CSV file in the schema's fixtures. A file that cannot be used fails the test, and makes `verify` end
/// with "could not run".
#[track_caller]
pub fn expected<T: DeserializeOwned>(sandbox: &Sandbox, file: &str) -> Vec<T> {
    read(sandbox, file).unwrap_or_else(|error| {
        let subject = format!("fixture {file}");
        check::fail(sandbox.context().name(), &subject, "can be read", &pgproof_sql::with_causes(&error), None)
    })
}

/// The rows of a CSV file in the schema's fixtures.
pub fn read<T: DeserializeOwned>(sandbox: &Sandbox, file: &str) -> Result<Vec<T>, ExpectationError> {
    let (shown, text) = fixture_text(sandbox, file)?;
    check_tables(sandbox, &shown, &text)?;
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let rows: Result<Vec<T>, _> = reader.deserialize().collect();
    let rows = rows.map_err(|error| malformed(shown.clone(), &headers, &error))?;
    if rows.is_empty() { Err(ExpectationError::Empty { file: shown }) } else { Ok(rows) }
}

/// The name of a fixture in messages, and its text.
pub(crate) fn fixture_text(sandbox: &Sandbox, file: &str) -> Result<(PathBuf, String), ExpectationError> {
    let (shown, path) = sandbox.context().fixture(file);
    let unreadable = |source| ExpectationError::Unreadable { file: shown.clone(), source };
    let text = pgproof_sql::files::read_text(&path).map_err(unreadable)?;
    match open_quote(&text) {
        Some(line) => {
            let problem = "a quote is not closed, so the rest of the file would be one value".to_owned();
            Err(ExpectationError::Malformed { file: shown, line, problem })
        }
        None => Ok((shown, text)),
    }
}

/// The line of the last quote, if there is an odd number of them.
fn open_quote(text: &str) -> Option<u64> {
    let is_odd = text.matches('"').count() % 2 == 1;
    let line = |at: usize| text[..at].matches('\n').count() as u64 + 1;
    text.rfind('"').filter(|_| is_odd).map(line)
}

/// Whether each line belongs to a table of the migrated schema, if the file has a column `table`: a line that no test picks
/// would be ignored.
fn check_tables(sandbox: &Sandbox, file: &Path, text: &str) -> Result<(), ExpectationError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let column = reader.headers().ok().and_then(|headers| headers.iter().position(|name| name == "table"));
    let (Some(column), Some(_)) = (column, sandbox.context().configured()) else { return Ok(()) };
    let read = || Catalog::read(&mut sandbox.session_beside()?);
    let failed = |source| ExpectationError::Tables { file: file.to_owned(), source };
    let catalog = sandbox.template().cache().get(read).map_err(failed)?;
    // Whatever else is wrong with a line, its reader reports.
    for record in reader.records().map_while(Result::ok) {
        let Some(name) = record.get(column) else { continue };
        let is_known = name.parse().is_ok_and(|name| catalog.relation(&name).is_some());
        if !is_known {
            let line = record.position().map_or(1, csv::Position::line);
            let problem = format!("there is no table {}, so the line belongs to nothing", shortened_word(name));
            return Err(ExpectationError::Malformed { file: file.to_owned(), line, problem });
        }
    }
    Ok(())
}

fn malformed(file: PathBuf, headers: &csv::StringRecord, error: &csv::Error) -> ExpectationError {
    let line = error.position().map_or(1, csv::Position::line);
    let problem = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            match err.field().and_then(|field| headers.get(usize::try_from(field).ok()?)) {
                Some(column) => format!("column {column}: {}", err.kind()),
                None => format!("{}; the header is {}", err.kind(), headers.iter().collect::<Vec<_>>().join(",")),
            }
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, and the header has {expected_len}")
        }
        _ => error.to_string(),
    };
    ExpectationError::Malformed { file, line, problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::scratch;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only reading is tested")]
    struct Row {
        name: String,
        count: u32,
    }

    fn problem(content: &str) -> String {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pgproof-expectation-{}-{number}.csv", std::process::id()));
        std::fs::write(&path, content).expect("a file");
        // A scratch database has no fixtures: its file names are used as they are.
        let result = read::<Row>(&scratch(""), path.to_str().expect("a name"));
        std::fs::remove_file(&path).expect("the file");
        let message = result.expect_err("malformed").to_string();
        message.replace(&*path.to_string_lossy(), "FILE")
    }

    #[test]
    fn a_malformed_file_names_line_and_column() {
        assert_eq!(problem("name,count\na,1\nb,many\n"), "FILE:3: column count: invalid digit found in string");
        assert_eq!(problem("name,number\na,1\n"), "FILE:2: missing field `count`; the header is name,number");
        assert_eq!(problem("name,count\na\n"), "FILE:2: 1 fields, and the header has 2");
        assert_eq!(problem("name,count\n"), "FILE has no rows: it expects nothing");
    }
}
