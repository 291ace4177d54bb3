//! Finds the migrations in a directory and orders them by the number at the start of each file name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Source, SourceError, Statement, Transaction, split};

/// Numbers this long are dates or timestamps, which are not consecutive.
const DIGITS_OF_A_DATE: usize = 8;

/// One migration: a numbered file, split into statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The number at the start of its name.
    pub number: u64,
    /// The file, relative to the configuration.
    pub file: PathBuf,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
}

impl Migration {
    /// Whether all of its statements run in one transaction that whoever applies it begins and commits.
    pub fn is_one_transaction(&self, transaction: Transaction) -> bool {
        let stands_alone = |statement: &Statement| {
            statement.needs_no_transaction() || statement.begins_transaction() || statement.ends_transaction()
        };
        transaction == Transaction::File && !self.statements.iter().any(stands_alone)
    }
}

/// The migrations in `directory`, ordered by number; `root` is the directory of the configuration. Subdirectories and
/// files that do not end in `.sql` are ignored.
pub fn discover(directory: &Path, root: &Path) -> Result<Vec<Migration>, SourceError> {
    let mut files = numbered_files(directory, root)?;
    if files.is_empty() {
        return Err(SourceError::NoMigrations { directory: shown(directory, root) });
    }
    files.sort();
    for pair in files.windows(2) {
        let [(number, digits, path), (next, _, next_path)] = pair else { continue };
        if number == next {
            let (first, second) = (shown(path, root), shown(next_path, root));
            return Err(SourceError::DuplicateNumber { number: *number, first, second });
        }
        if *digits < DIGITS_OF_A_DATE && *next > number + 1 {
            let (before, after) = (shown(path, root), shown(next_path, root));
            return Err(SourceError::Gap { missing: number + 1, before, after });
        }
    }
    files.into_iter().map(|(number, _, path)| read(number, &path, root)).collect()
}

/// The down migrations, in the order to run them: the highest number first. A file without a number (one that rolls
/// back everything at once) is ignored.
pub fn discover_rollbacks(directory: &Path, root: &Path) -> Result<Vec<Migration>, SourceError> {
    let mut files: Vec<_> = sql_files(directory, root)?
        .into_iter()
        .filter_map(|path| number(&path).map(|(number, _)| (number, path)))
        .collect();
    files.sort();
    files.into_iter().rev().map(|(number, path)| read(number, &path, root)).collect()
}

/// Reads one migration.
pub fn read(number: u64, path: &Path, root: &Path) -> Result<Migration, SourceError> {
    let source = Source::read(root, path)?;
    let file = source.shown.clone();
    let statements = split(source, root)?;
    if statements.is_empty() {
        return Err(SourceError::Empty { path: file });
    }
    Ok(Migration { number, file, statements })
}

/// The number, its count of digits and the path of every migration.
fn numbered_files(directory: &Path, root: &Path) -> Result<Vec<(u64, usize, PathBuf)>, SourceError> {
    let numbered = |path: PathBuf| match number(&path) {
        Some((number, digits)) => Ok((number, digits, path)),
        None => Err(SourceError::Unnumbered { path: shown(&path, root) }),
    };
    sql_files(directory, root)?.into_iter().map(numbered).collect()
}

/// The `.sql` files of a directory.
pub fn sql_files(directory: &Path, root: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let failed = |source| SourceError::Directory { directory: shown(directory, root), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // Whatever else has this name (a FIFO, a link to nowhere) is an error of its reader.
        if path.extension() == Some(OsStr::new("sql")) && !path.is_dir() {
            files.push(path);
        }
    }
    Ok(files)
}

/// The number at the start of a file name, followed by `_` or `-`, and its count of digits.
fn number(path: &Path) -> Option<(u64, usize)> {
    let name = path.file_name()?.to_str()?;
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let separated = name[digits..].starts_with(['_', '-']);
    separated.then(|| name[..digits].parse().ok()).flatten().map(|number| (number, digits))
}

fn shown(path: &Path, root: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(files: &[(&str, &[u8])]) -> Result<Vec<String>, String> {
        let root = tempfile::tempdir().expect("a directory");
        for (name, content) in files {
            std::fs::write(root.path().join(name), content).expect("a file");
        }
        discover(root.path(), root.path())
            .map(|migrations| migrations.iter().map(|m| m.file.display().to_string()).collect())
            .map_err(|error| crate::with_causes(&error))
    }

    const SQL: &[u8] = b"SELECT 1;";

    #[test]
    fn orders_by_number_whatever_the_separator_and_width() {
        let files = [("10_c.sql", SQL), ("009-b.sql", SQL), ("8_a.sql", SQL), ("notes.md", b"x".as_slice())];
        assert_eq!(order(&files), Ok(vec!["8_a.sql".into(), "009-b.sql".into(), "10_c.sql".into()]));
    }

    #[test]
    fn dates_need_not_be_consecutive() {
        assert!(order(&[("20240101_a.sql", SQL), ("20240301_b.sql", SQL)]).is_ok());
    }

    #[test]
    fn says_what_is_wrong_with_a_set_of_files() {
        for (files, message) in [
            (vec![("001_a.sql", SQL), ("003_b.sql", SQL)], "migration 2 is missing between 001_a.sql and 003_b.sql"),
            (vec![("001_a.sql", SQL), ("001-b.sql", SQL)], "two migrations have the number 1: 001-b.sql and 001_a.sql"),
            (vec![("001_a.sql", SQL), ("seed.sql", SQL)], "seed.sql has no number"),
            (vec![("001_a.sql", b"-- nothing\n".as_slice())], "001_a.sql holds no statement"),
            (vec![("001_a.sql", b"SELECT 1;\nSELECT '\xff';".as_slice())], "001_a.sql:2: not UTF-8"),
            (vec![("readme.txt", SQL)], "holds no migration"),
        ] {
            let error = order(&files).expect_err(message);
            assert!(error.contains(message), "{error:?} should contain {message:?}");
        }
    }
}
