//! Why the configuration is unusable.

use std::path::{Path, PathBuf};

use pgproof_sql::shortened;

use super::{CONFIG_VARIABLE, FILE_NAME};

/// Why the configuration is unusable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No file was found.
    #[error("no {FILE_NAME} in {} or any directory above it; run pgproof inside a project, or name the file with --config or {CONFIG_VARIABLE}", .from.display())]
    NotFound {
        /// Where the search began.
        from: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is malformed; the problem names line and key.
    #[error("{} is malformed: {}", .path.display(), .problem.trim_end())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column, and what is wrong there.
        problem: String,
    },
    /// The file does not define the requested schema.
    #[error("unknown schema {name:?}; {} defines {}", .file.display(), .known.join(", "))]
    UnknownSchema {
        /// The requested name.
        name: String,
        /// The file.
        file: PathBuf,
        /// The defined names.
        known: Vec<String>,
    },
}

impl ConfigError {
    /// What is wrong in a file, with its line.
    pub(super) fn malformed(path: &Path, error: &toml::de::Error) -> ConfigError {
        ConfigError::Malformed { path: path.to_path_buf(), problem: readable(&error.to_string()) }
    }
}

/// An error of the parser, which quotes the line where it is, and points at a column below: of a line that is wider than
/// a screen, the quotation is left out.
fn readable(message: &str) -> String {
    const WIDEST: usize = 200;
    let is_quotation = |line: &str| {
        line.split_once('|').is_some_and(|(number, _)| number.trim().parse::<u64>().is_ok())
            || line.trim_start().starts_with('|')
    };
    let lines = message.lines().filter(|line| !is_quotation(line) || line.chars().count() <= WIDEST);
    shortened(&lines.collect::<Vec<_>>().join("\n"))
}
