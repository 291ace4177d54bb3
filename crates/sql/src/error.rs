//! Errors in reading migrations: each names the file, and the line if there is one.

use std::path::PathBuf;

use crate::Origin;

/// Why migrations could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The directory cannot be read.
    #[error("cannot read the migrations in {}; `migrations` in pgproof.toml names that directory", .directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There are none.
    #[error("{} holds no migration (NUMBER_name.sql or NUMBER-name.sql)", .directory.display())]
    NoMigrations {
        /// The directory.
        directory: PathBuf,
    },
    /// A `.sql` file has no number, so it would never be applied.
    #[error("{} has no number: name it NUMBER_name.sql, or move it out of the migrations' directory", .path.display())]
    Unnumbered {
        /// The file.
        path: PathBuf,
    },
    /// Two files have the same number.
    #[error("two migrations have the number {number}: {} and {}", .first.display(), .second.display())]
    DuplicateNumber {
        /// The number.
        number: u64,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A number is missing from the sequence.
    #[error("migration {missing} is missing between {} and {}", .before.display(), .after.display())]
    Gap {
        /// The number.
        missing: u64,
        /// The file before.
        before: PathBuf,
        /// The file after.
        after: PathBuf,
    },
    /// A file looks like a down migration, but its layout is not recognised.
    #[error("{} looks as if it took a migration back, and the layout of the directory is not known; list the migrations in their order in a file, and give it with --order", .path.display())]
    UnknownLayout {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not UTF-8.
    #[error("{}:{line}: not UTF-8; save the file as UTF-8", .path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first line that is not UTF-8.
        line: usize,
    },
    /// A file is UTF-16.
    #[error("{} is UTF-16; save it as UTF-8", .path.display())]
    Utf16 {
        /// The file.
        path: PathBuf,
    },
    /// A file contains a NUL byte.
    #[error("{}:{line}: a NUL byte, which PostgreSQL accepts nowhere in a statement; remove it, or save the file as UTF-8", .path.display())]
    Nul {
        /// The file.
        path: PathBuf,
        /// The line of the first one.
        line: usize,
    },
    /// A file is elsewhere.
    #[error(
        "{}{} is outside of the directory of the migrations; copy the file there", .path.display(),
        .target.as_ref().map(|target| format!(" ({})", target.display())).unwrap_or_default()
    )]
    Outside {
        /// The path as written.
        path: PathBuf,
        /// Where it leads, if it is a link or has `..` in it.
        target: Option<PathBuf>,
    },
    /// Variables make a text too long.
    #[error("{}: its psql variables are longer than {} MiB in all", .path.display(), crate::files::LARGEST_FILE >> 20)]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A statement that makes the server read strings in another way.
    #[error(
        "{origin}: standard_conforming_strings = off is not supported, because it changes where a string ends; write E'…' where a backslash escapes"
    )]
    Strings {
        /// The statement.
        origin: Origin,
    },
    /// A statement that sends rows to the client.
    #[error("{origin}: COPY … TO stdout sends rows to the client, and a migration has none that reads them; remove it")]
    CopyOut {
        /// The statement.
        origin: Origin,
    },
    /// A file has no statement.
    #[error("{} holds no statement", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A quote or comment is not closed before the end of the file.
    #[error("{origin}: the {what} that begins here is never closed")]
    Unterminated {
        /// Where it begins.
        origin: Origin,
        /// What it is.
        what: &'static str,
    },
    /// A psql meta-command that pgproof does not support.
    #[error("{origin}: psql's {command} is not understood: {problem}")]
    MetaCommand {
        /// Its location.
        origin: Origin,
        /// The command.
        command: String,
        /// Why it is not supported, and what to write instead.
        problem: String,
    },
}
