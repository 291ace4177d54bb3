//! The text of one SQL file. `split` divides it into statements.

use std::path::{Path, PathBuf};

use super::SourceError;

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
    /// Reads `path`; messages name it relative to `root`. A file that is not UTF-8 is an error that names the line.
    pub fn read(root: &Path, path: &Path) -> Result<Source, SourceError> {
        let shown = path.strip_prefix(root).unwrap_or(path).to_path_buf();
        let bytes = std::fs::read(path).map_err(|source| SourceError::Unreadable { path: shown.clone(), source })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = String::from_utf8_lossy(&error.as_bytes()[..valid]).matches('\n').count() + 1;
            SourceError::NotUtf8 { path: shown.clone(), line }
        })?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Ok(Source { path: path.to_path_buf(), shown, text })
    }

    /// The line with this number, from 1.
    pub fn line(&self, number: u32) -> &str {
        self.text.lines().nth(number.saturating_sub(1) as usize).unwrap_or_default()
    }
}
