//! Pending snapshots: files `NAME.snap.new` next to the accepted `NAME.snap`, in insta's format.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use pgproof_plans::{SnapshotText, meaning};

/// A pending change of a plan.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) schema: String,
    /// The name of the query, without the major in the file name.
    pub(super) name: String,
    /// The pending file.
    file: PathBuf,
    /// Whether it is the schema, not a plan.
    is_schema: bool,
    /// The accepted plan, if any.
    pub(super) old: Option<SnapshotText>,
    pub(super) new: SnapshotText,
}

/// The pending changes in a directory, by name. A missing directory has none.
/// `snapshot` is the file of the schema snapshot.
pub(super) fn read(schema: &str, directory: &Path, snapshot: Option<&Path>) -> io::Result<Vec<Pending>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension() == Some(OsStr::new("new")));
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let accepted = file.with_extension("");
        let stem = accepted.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let old = match std::fs::read_to_string(&accepted) {
            Ok(text) => Some(SnapshotText::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let new = SnapshotText::parse(&std::fs::read_to_string(&file)?);
        let name = stem.split('@').next().unwrap_or(&stem).to_owned();
        let is_schema = snapshot.is_some_and(|snapshot| *snapshot == directory.join(format!("{name}.snap")));
        found.push(Pending { schema: schema.to_owned(), name, file, is_schema, old, new });
    }
    Ok(found)
}

impl Pending {
    /// How many unchanged lines are shown around a change; all of a plan.
    pub(super) fn context(&self) -> usize {
        if self.is_schema { 2 } else { usize::MAX / 2 }
    }

    /// What the change means, in sentences.
    pub(super) fn meaning(&self) -> Vec<String> {
        match &self.old {
            None if self.is_schema => vec!["a new snapshot of the schema: none has been accepted yet".to_owned()],
            Some(_) if self.is_schema => {
                vec!["the schema has changed; object and property, as accepted and as they are".to_owned()]
            }
            Some(old) => meaning(old, &self.new),
            None => vec!["a new query: no plan has been accepted yet".to_owned()],
        }
    }

    /// Makes the pending plan the accepted one, for all majors or only for one.
    pub(super) fn accept(&self, major: Option<u16>) -> io::Result<()> {
        let target = match major {
            Some(major) => {
                let file = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let stem = file.strip_suffix(".snap.new").unwrap_or(&file);
                let of_major = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                let stem = stem.rsplit_once('@').filter(|(_, end)| of_major(end)).map_or(stem, |(stem, _)| stem);
                self.file.with_file_name(format!("{stem}@{major}.snap"))
            }
            None => self.file.with_extension(""),
        };
        std::fs::rename(&self.file, target)
    }

    /// Removes the pending plan.
    pub(super) fn reject(&self) -> io::Result<()> {
        std::fs::remove_file(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "---\nsource: q.sql\ndescription: \"custom plan costs 8.30; t has 5000 rows; PostgreSQL 15\"\n---\n\
                        -- Title\nSELECT 1\n\ncustom plan\n  Seq Scan on t\n\ngeneric plan\n  Index Scan using i on t\n";

    #[test]
    fn accepting_for_a_major_keeps_the_other_plan() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("q.snap"), FILE.replace("Seq Scan", "Bitmap Heap Scan")).expect("a file");
        std::fs::write(path("q.snap.new"), FILE).expect("a file");
        let found = read("s", directory.path(), None).expect("pending changes");
        found[0].accept(Some(15)).expect("accepted");
        assert!(path("q@15.snap").exists() && path("q.snap").exists() && !path("q.snap.new").exists());
    }
}
