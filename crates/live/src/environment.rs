//! Environment variables, and those that the file `.env` beside `pgproof.toml` would set. The file is read, never
//! written, and its values reach no other process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::TargetError;

/// The name of the file.
const FILE_NAME: &str = ".env";

/// The variables of this process and of `.env`.
#[derive(Clone)]
pub struct Environment {
    file: PathBuf,
    /// None if there is no file.
    written: Option<BTreeMap<String, String>>,
}

/// Where a variable was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// In the environment of this process, which comes first.
    Environment,
    /// In the file.
    File,
}

impl Environment {
    /// Reads `.env` in this directory, if there is one.
    pub fn read(directory: &Path) -> Result<Environment, TargetError> {
        let file = directory.join(FILE_NAME);
        if !file.exists() {
            return Ok(Environment { file, written: None });
        }
        let unreadable = |source| TargetError::ReadEnvironment { file: file.clone(), source };
        let text = pgproof_sql::files::read_text(&file).map_err(unreadable)?;
        // What a line holds may be a secret: the parser's message would quote it.
        let lines = dotenvy::from_read_iter(text.as_bytes());
        let written = lines.enumerate().map(|(at, line)| {
            line.map_err(|_| TargetError::MalformedEnvironment { file: file.clone(), entry: at + 1 })
        });
        let written = written.collect::<Result<_, _>>()?;
        Ok(Environment { file, written: Some(written) })
    }

    /// The value of a variable, if it is set and not empty, and where it was found.
    pub fn get(&self, name: &str) -> Option<(String, Found)> {
        let set = std::env::var(name).ok().map(|value| (value, Found::Environment));
        let written = || Some((self.written.as_ref()?.get(name)?.clone(), Found::File));
        let is_set = |(value, _): &(String, Found)| !value.is_empty();
        set.filter(is_set).or_else(|| written().filter(is_set))
    }

    /// Where the file would be.
    pub fn expected(&self) -> &Path {
        &self.file
    }

    /// The file, if it exists.
    pub fn file(&self) -> Option<&Path> {
        self.written.is_some().then_some(self.file.as_path())
    }
}

impl std::fmt::Debug for Environment {
    /// Without values, which may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.written.iter().flatten().map(|(name, _)| name).collect();
        f.debug_struct("Environment").field("file", &self.file).field("names", &names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(text: &str) -> Result<Environment, TargetError> {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(FILE_NAME), text).expect("a file");
        Environment::read(directory.path())
    }

    #[test]
    fn the_file_stands_in_for_the_environment() {
        let found = environment("# local\nexport SHOP_URL='postgres://me:hush@db/shop'\nEMPTY=\nPATH=/nowhere\n");
        let found = found.expect("a good file");
        assert_eq!(found.get("SHOP_URL"), Some(("postgres://me:hush@db/shop".to_owned(), Found::File)));
        assert_eq!(found.get("EMPTY"), None);
        assert_eq!(found.get("PATH").expect("a path").1, Found::Environment);
        assert!(!format!("{found:?}").contains("hush"));
    }

    #[test]
    fn a_malformed_line_is_named_but_not_shown() {
        let error = environment("A=1\nsecret hush\n").expect_err("no assignment").to_string();
        assert!(error.contains("entry 2") && !error.contains("hush"), "{error}");
    }
}
