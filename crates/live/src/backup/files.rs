//! The files of a backup: what they are called, and how they appear only once they are complete.

use std::ffi::OsString;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::BackupError;

/// A dump and its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpFiles {
    /// The dump: a file, or a directory if it was made by several jobs.
    pub dump: PathBuf,
    /// The manifest.
    pub manifest: PathBuf,
}

impl DumpFiles {
    /// The files of a dump that exists.
    pub fn of(dump: &Path) -> DumpFiles {
        DumpFiles { dump: dump.to_path_buf(), manifest: with(dump, "", ".json") }
    }

    /// The files of a new dump: `output` itself, or within it if it is a directory; by default in the current directory.
    /// There they are named after database and time.
    ///
    /// Fails if they exist, or the directory does not.
    pub(super) fn new(
        output: Option<&Path>,
        database: &str,
        time: &str,
        is_directory: bool,
    ) -> Result<DumpFiles, BackupError> {
        let plain = |c: char| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' };
        let moment: String = time.chars().filter(|c| !"-:".contains(*c)).collect();
        let extension = if is_directory { "dir" } else { "dump" };
        let name = format!("{}-{moment}.{extension}", database.chars().map(plain).collect::<String>());
        let dump = match output {
            Some(output) if output.is_dir() => output.join(name),
            Some(output) => output.to_path_buf(),
            None => PathBuf::from(name),
        };
        let parent = dump.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        parent.metadata().map_err(|source| BackupError::File {
            action: "write to",
            file: parent.to_path_buf(),
            source,
        })?;
        let files = DumpFiles::of(&dump);
        let existing = [&files.dump, &files.manifest].into_iter().find(|file| file.exists()).cloned();
        existing.map_or(Ok(files), |file| Err(BackupError::Exists { file }))
    }

    /// Where the dump is written until it is complete: hidden, and with another extension.
    pub(super) fn unfinished(&self) -> PathBuf {
        with(&self.dump, ".", &format!(".unfinished-{}", std::process::id()))
    }

    /// Writes the manifest, which only its owner may read, then gives the dump its name: a dump has a manifest from its first
    /// moment on.
    pub(super) fn complete(&self, manifest: &str) -> Result<(), BackupError> {
        use std::io::Write;
        let failed = |action, file: &Path| {
            let file = file.to_path_buf();
            move |source| BackupError::File { action, file, source }
        };
        let mut options = std::fs::OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let write = || {
            let mut file = options.open(&self.manifest)?;
            file.write_all(manifest.as_bytes())?;
            file.sync_all()
        };
        write().map_err(failed("write", &self.manifest))?;
        std::fs::rename(self.unfinished(), &self.dump).map_err(failed("write", &self.dump)).inspect_err(|_| {
            // A manifest alone is no backup.
            let _ = std::fs::remove_file(&self.manifest);
        })
    }

    /// How large the dump is, in bytes.
    pub(super) fn size(path: &Path) -> u64 {
        let Ok(metadata) = path.metadata() else { return 0 };
        if !metadata.is_dir() {
            return metadata.len();
        }
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
    }
}

/// A path whose last component has something before and after it.
fn with(path: &Path, before: &str, after: &str) -> PathBuf {
    let mut name = OsString::from(before);
    name.push(path.file_name().unwrap_or_default());
    name.push(after);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_database_and_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let output = Some(directory.path());
        let files = DumpFiles::new(output, "../shop", "2026-01-31T12:00:00Z", false).expect("names");
        assert_eq!(files.dump, directory.path().join("___shop-20260131T120000Z.dump"));
        assert_eq!(files.manifest, directory.path().join("___shop-20260131T120000Z.dump.json"));
        let unfinished = files.unfinished();
        assert!(unfinished.file_name().expect("a name").to_string_lossy().starts_with(".___shop-"));
        std::fs::write(&files.manifest, "").expect("a file");
        let error = DumpFiles::new(output, "../shop", "2026-01-31T12:00:00Z", false).expect_err("exists");
        assert!(error.to_string().contains("a backup replaces nothing"));
        assert!(DumpFiles::new(Some(Path::new("/nowhere/x")), "shop", "t", false).is_err());
    }
}
