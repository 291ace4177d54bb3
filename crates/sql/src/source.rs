//! The text of one SQL file, and which files may be read at all: those below the configuration, or beside the file that
//! somebody named. `split` divides the text into statements.

use std::path::{Path, PathBuf};

use super::SourceError;
use crate::files;

/// A file and its name in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages: relative to the configuration.
    pub shown: PathBuf,
    /// Its content, without a byte order mark.
    pub text: String,
}

impl Source {
    /// Reads `path`; messages name it relative to `root`. The file must be below `root`, or in the directory that `path`
    /// names: a link elsewhere is an error, as is a file that is not UTF-8, with the line.
    pub fn read(root: &Path, path: &Path) -> Result<Source, SourceError> {
        Source::read_within(root, path, &bounds(root, path))
    }

    /// The same, for a file that must be below one of these directories.
    pub(crate) fn read_within(root: &Path, path: &Path, bounds: &[PathBuf]) -> Result<Source, SourceError> {
        let shown = path.strip_prefix(root).ok().filter(|shown| *shown != Path::new("")).unwrap_or(path).to_path_buf();
        let unreadable = |source| SourceError::Unreadable { path: shown.clone(), source };
        let target = path.canonicalize().map_err(unreadable)?;
        if !bounds.iter().any(|bound| target.starts_with(bound)) {
            return Err(SourceError::Outside { target: (target != path).then_some(target), path: shown });
        }
        let bytes = files::read(&target).map_err(unreadable)?;
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(SourceError::Utf16 { path: shown });
        }
        let line_at = |bytes: &[u8], at: usize| bytes[..at].split(|byte| *byte == b'\n').count();
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            SourceError::NotUtf8 { path: shown.clone(), line: line_at(error.as_bytes(), valid) }
        })?;
        if let Some(at) = text.find('\0') {
            return Err(SourceError::Nul { line: line_at(text.as_bytes(), at), path: shown });
        }
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Ok(Source { path: path.to_path_buf(), shown, text })
    }

    /// The line with this number, from 1.
    pub fn line(&self, number: u32) -> &str {
        self.text.lines().nth(number.saturating_sub(1) as usize).unwrap_or_default()
    }
}

/// The directories below which a file and what it includes must be: that of the configuration, and its own.
pub(crate) fn bounds(root: &Path, path: &Path) -> Vec<PathBuf> {
    let beside = path.parent().unwrap_or(root);
    [root, beside].into_iter().filter_map(|directory| real(directory).ok()).collect()
}

/// A directory without links and `..`; an empty path is this directory.
pub(crate) fn real(directory: &Path) -> std::io::Result<PathBuf> {
    if directory.as_os_str().is_empty() { Path::new(".").canonicalize() } else { directory.canonicalize() }
}
