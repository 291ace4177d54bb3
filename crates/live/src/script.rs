//! Scripts: reviewed SQL for a database that is in use, with named and typed parameters. A script runs in one transaction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pgproof_runner::migration::{MigrationError, StatementFailure};
use pgproof_server::session::{NamedRows, literal};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Source, SourceError, Statement, split_with, sql_files};

use crate::Target;

/// How a line begins that declares a parameter.
const DECLARES: &str = "-- parameter ";

/// A script with its parameters.
#[derive(Debug)]
pub struct Script {
    /// The file, relative to the configuration.
    pub file: PathBuf,
    /// The first line of its comment: what it does.
    pub purpose: String,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    root: PathBuf,
    source: Source,
}

/// A parameter of a script: a line such as `-- parameter slug text = 'default'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name: the script has `:'name'` where the value belongs.
    pub name: String,
    /// Its type in PostgreSQL.
    pub data_type: String,
    /// The value if none is given.
    pub default: Option<String>,
}

/// Why a script was not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The file cannot be read or split.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There is no such script.
    #[error("no script {name:?} in {}: {}", .directory.display(), list(.known))]
    Unknown {
        /// The requested name.
        name: String,
        /// Where scripts are.
        directory: PathBuf,
        /// Those that are there.
        known: Vec<String>,
    },
    /// A line that should declare a parameter.
    #[error("{}:{line}: expected `-- parameter NAME TYPE` or `-- parameter NAME TYPE = DEFAULT`", .file.display())]
    Declaration {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A parameter without a value.
    #[error("{} needs a value for {name} ({data_type}); give --set {name}=VALUE, or --set-from {name}=VARIABLE for a secret", .file.display())]
    Missing {
        /// The file.
        file: PathBuf,
        /// The parameter.
        name: String,
        /// Its type.
        data_type: String,
    },
    /// A value for no parameter.
    #[error("{} has no parameter {name:?}; it has {}", .file.display(), list(.known))]
    Undeclared {
        /// The file.
        file: PathBuf,
        /// The given name.
        name: String,
        /// The parameters.
        known: Vec<String>,
    },
    /// A value that is none of its type. It may be a secret, so it is not shown.
    #[error("the value of {name} is no {data_type}")]
    Value {
        /// The parameter.
        name: String,
        /// Its type.
        data_type: String,
        /// Why.
        source: DatabaseError,
    },
    /// A statement that ends the transaction of the script.
    #[error("{origin}: a script runs in one transaction, so it contains no {kind}")]
    Transaction {
        /// Where.
        origin: pgproof_sql::Origin,
        /// The statement.
        kind: String,
    },
    /// A statement failed; nothing was changed.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The session failed.
    #[error("cannot run the script in {target}")]
    Session {
        /// The database.
        target: String,
        /// Why.
        source: DatabaseError,
    },
}

impl Script {
    /// The script of this name, without `.sql`, in a directory; messages name files relative to `root`.
    pub fn named(root: &Path, directory: &Path, name: &str) -> Result<Script, ScriptError> {
        let path = directory.join(format!("{name}.sql"));
        let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if !is_plain || !path.is_file() {
            let shown = directory.strip_prefix(root).unwrap_or(directory).to_path_buf();
            return Err(ScriptError::Unknown {
                name: name.to_owned(),
                directory: shown,
                known: names(directory, root),
            });
        }
        let source = Source::read(root, &path)?;
        let mut parameters = Vec::new();
        for (at, line) in source.text.lines().enumerate() {
            if let Some(declared) = line.strip_prefix(DECLARES) {
                let malformed = || ScriptError::Declaration { file: source.shown.clone(), line: at + 1 };
                parameters.push(Parameter::parse(declared).ok_or_else(malformed)?);
            }
        }
        let purpose = source.text.lines().next().and_then(|line| line.strip_prefix("--")).unwrap_or_default();
        let (file, purpose) = (source.shown.clone(), purpose.trim().to_owned());
        Ok(Script { file, purpose, parameters, root: root.to_path_buf(), source })
    }

    /// The statements with these values, whose types a session has checked; it is only read.
    pub fn with(&self, given: &BTreeMap<String, String>, session: &mut Session) -> Result<Vec<Statement>, ScriptError> {
        if let Some(name) = given.keys().find(|name| !self.parameters.iter().any(|parameter| parameter.name == **name))
        {
            let known = self.parameters.iter().map(|parameter| parameter.name.clone()).collect();
            return Err(ScriptError::Undeclared { file: self.file.clone(), name: name.clone(), known });
        }
        let mut values = BTreeMap::new();
        for Parameter { name, data_type, default } in &self.parameters {
            let value = given.get(name).or(default.as_ref()).cloned().ok_or_else(|| ScriptError::Missing {
                file: self.file.clone(),
                name: name.clone(),
                data_type: data_type.clone(),
            })?;
            let cast = format!("SELECT CAST({} AS {data_type}) IS NULL", literal(&value));
            let wrong = |source| ScriptError::Value { name: name.clone(), data_type: data_type.clone(), source };
            session.run_one(&cast).map_err(wrong)?;
            values.insert(name.clone(), value);
        }
        let statements = split_with(self.source.clone(), &self.root, &values)?;
        let ends = |statement: &&Statement| statement.begins_transaction() || statement.ends_transaction();
        match statements.iter().find(ends) {
            Some(ends) => Err(ScriptError::Transaction { origin: ends.origin.clone(), kind: ends.kind() }),
            None => Ok(statements),
        }
    }
}

/// Runs the statements of a script in one transaction, and returns the rows of those that return any.
pub fn run_statements(target: &Target, statements: &[Statement]) -> Result<Vec<NamedRows>, ScriptError> {
    let failed = |source| ScriptError::Session { target: target.to_string(), source };
    let mut session = target.writer().map_err(failed)?;
    session.run("BEGIN").map_err(failed)?;
    let limit = session.deadlines().statement;
    let mut returned = Vec::new();
    for statement in statements {
        let rows = session
            .within(limit, |session| session.named_rows(&statement.text))
            .map_err(|error| MigrationError::Statement(Box::new(StatementFailure::new(statement, error))))?;
        returned.extend(Some(rows).filter(|rows| !rows.columns.is_empty()));
    }
    session.run("COMMIT").map_err(failed)?;
    Ok(returned)
}

impl Parameter {
    /// Parses `NAME TYPE` or `NAME TYPE = DEFAULT`.
    fn parse(text: &str) -> Option<Parameter> {
        let (declared, default) = match text.split_once('=') {
            Some((declared, default)) => (declared, Some(unquoted(default.trim()))),
            None => (text, None),
        };
        let (name, data_type) = declared.trim().split_once(' ')?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        // The type is sent as it is: only what a type's name consists of.
        let is_type = data_type
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '.' | '(' | ')' | ',' | '[' | ']'));
        let (name, data_type) = (name.to_owned(), data_type.trim().to_owned());
        (is_name && is_type && !name.is_empty() && !data_type.is_empty()).then_some(Parameter {
            name,
            data_type,
            default,
        })
    }
}

/// The content of a quoted text; another text unchanged.
fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    inner.map_or_else(|| text.to_owned(), |inner| inner.replace("''", "'"))
}

/// The scripts in a directory; none if it cannot be read.
fn names(directory: &Path, root: &Path) -> Vec<String> {
    let files = sql_files(directory, root).unwrap_or_default();
    let mut names: Vec<String> = files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "there are none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_a_name_a_type_and_perhaps_a_default() {
        let parse = |text: &str| Parameter::parse(text).map(|p| (p.name, p.data_type, p.default));
        let of = |name: &str, data_type: &str, default: Option<&str>| {
            Some((name.to_owned(), data_type.to_owned(), default.map(str::to_owned)))
        };
        assert_eq!(parse("slug text"), of("slug", "text", None));
        assert_eq!(parse("amount numeric(10,2) = 0"), of("amount", "numeric(10,2)", Some("0")));
        assert_eq!(parse("name text = 'it''s'"), of("name", "text", Some("it's")));
        for wrong in ["slug", "", "slug text; DROP TABLE x", "sl-ug text"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
