//! The queries of a schema: one per file, with typed example parameters in its comments.

use std::path::{Path, PathBuf};

use pgproof_sql::quote::literal;
use pgproof_sql::{Source, SourceError, split};

/// A named query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadQuery {
    /// The file name without its extension.
    pub name: String,
    /// The description in the file's first comment.
    pub title: String,
    /// The statement, with `$1`, `$2`… for its parameters.
    pub sql: String,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
}

/// A parameter with an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its type.
    pub ty: String,
    /// An example value in the type's text form.
    pub example: String,
}

impl Parameter {
    /// The example as a typed literal.
    pub fn sql(&self) -> String {
        format!("{}::{}", literal(&self.example), self.ty)
    }
}

/// Why the queries cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkloadError {
    /// A file or directory cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is malformed.
    #[error("{}:{line}: {problem}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and how to write it.
        problem: String,
    },
    /// A file is no SQL.
    #[error(transparent)]
    Sql(#[from] SourceError),
    /// There are none.
    #[error("{} holds no query (NAME.sql)", .directory.display())]
    Empty {
        /// The directory.
        directory: PathBuf,
    },
    /// No query has this name.
    #[error("there is no query {name} in {}", .directory.display())]
    Unknown {
        /// The name.
        name: String,
        /// The directory.
        directory: PathBuf,
    },
}

/// All queries of a directory, by name. `shown` is the name of the directory in messages.
pub fn read_workload(directory: &Path, shown: &Path) -> Result<Vec<WorkloadQuery>, WorkloadError> {
    let unreadable = |path: &Path| {
        let path = path.to_path_buf();
        move |source| WorkloadError::Unreadable { path, source }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable(shown))? {
        let path = entry.map_err(unreadable(shown))?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(WorkloadError::Empty { directory: shown.to_path_buf() });
    }
    files
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let shown = shown.join(path.file_name().unwrap_or_default());
            let text = pgproof_sql::files::read_text(path).map_err(unreadable(&shown))?;
            let malformed = |(line, problem)| WorkloadError::Malformed { path: shown.clone(), line, problem };
            let query = parse(name, &text).map_err(malformed)?;
            let source = Source { path: path.clone(), shown: shown.clone(), text };
            // EXPLAIN would be of the first, and the others would run.
            match split(source, directory)?.get(1) {
                Some(second) => {
                    let problem = "a second statement begins here; write each query in a file of its own".to_owned();
                    Err(malformed((second.origin.line as usize, problem)))
                }
                None => Ok(query),
            }
        })
        .collect()
}

fn parse(name: String, text: &str) -> Result<WorkloadQuery, (usize, String)> {
    let mut title = Vec::new();
    let mut parameters = Vec::new();
    let mut sql = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let comment = line.strip_prefix("--").map(str::trim).filter(|_| sql.is_empty());
        match comment {
            Some(comment) if comment.starts_with('$') => {
                let parameter = parameter(comment, parameters.len() + 1).map_err(|problem| (number + 1, problem))?;
                parameters.push(parameter);
            }
            Some(comment) => title.push(comment),
            None if line.trim().is_empty() && sql.is_empty() => {}
            None => sql.push(line.trim_end()),
        }
    }
    let sql = sql.join("\n").trim().trim_end_matches(';').trim_end().to_owned();
    if sql.is_empty() {
        return Err((1, "there is no statement".to_owned()));
    }
    for number in 1.. {
        let named = sql.contains(&format!("${number}"));
        match (named, number <= parameters.len()) {
            (true, false) => return Err((1, format!("say what ${number} is: -- ${number} TYPE = EXAMPLE"))),
            (false, true) => return Err((1, format!("${number} is declared and not used"))),
            (false, false) => break,
            (true, true) => {}
        }
    }
    Ok(WorkloadQuery { name, title: title.join(" "), sql, parameters })
}

/// Reads `$1 text = pending`.
fn parameter(comment: &str, expected: usize) -> Result<Parameter, String> {
    let form = || format!("a parameter is written: -- ${expected} TYPE = EXAMPLE");
    let (declared, example) = comment.split_once('=').ok_or_else(form)?;
    let (number, ty) = declared.trim().split_once(' ').ok_or_else(form)?;
    if number != format!("${expected}") {
        return Err(form());
    }
    Ok(Parameter { ty: ty.trim().to_owned(), example: example.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_a_title_and_typed_examples() {
        let text =
            "-- Open tasks,\n-- by priority.\n-- $1 text = it's = open\n\nSELECT *\n-- inside\nFROM t WHERE s = $1;\n";
        let query = parse("open".to_owned(), text).expect("a query");
        assert_eq!(query.title, "Open tasks, by priority.");
        assert_eq!(query.sql, "SELECT *\n-- inside\nFROM t WHERE s = $1");
        assert_eq!(query.parameters[0].sql(), "'it''s = open'::text");
    }

    #[test]
    fn a_malformed_query_says_how_to_write_it() {
        let problem = |text: &str| parse("q".to_owned(), text).expect_err("malformed");
        assert_eq!(problem("-- $1 text\nSELECT $1"), (1, "a parameter is written: -- $1 TYPE = EXAMPLE".to_owned()));
        assert_eq!(problem("SELECT $1"), (1, "say what $1 is: -- $1 TYPE = EXAMPLE".to_owned()));
        assert_eq!(problem("-- $1 text = a\nSELECT 1"), (1, "$1 is declared and not used".to_owned()));
        assert_eq!(problem("-- nothing\n"), (1, "there is no statement".to_owned()));
    }
}
