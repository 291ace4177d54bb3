//! `ci`: the parts of `.ci/run` that are more than one call. The servers of other majors are made ready here; what is
//! run on them, and in which order, `.ci/run` says. All of them share a directory, which `.ci/run` makes and removes.

mod archive;
mod containers;
mod external;
mod majors;
mod packages;
mod process;

use std::path::PathBuf;
use std::process::ExitCode;

use pgproof_cli::{note, say};
use process::CiError;

/// The parts.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Part {
    /// Install what this machine lacks, by package name
    Packages,
    /// Get the binaries of other majors, and print the directories of all, as PGPROOF_BIN wants them
    Majors(Shared),
    /// Verify on an external server of each major
    External(Shared),
    /// Verify in a container of each major, from images that are made of the binaries if need be
    Containers(Shared),
    /// Verify with binaries that a server on this machine offers for download
    Download(Shared),
    /// Test the workspace, with containers if there are images
    Test(Shared),
    /// End and remove what the other parts may have left outside the directory
    Clean(Shared),
}

/// The argument of each.
#[derive(Debug, clap::Args)]
pub(crate) struct Shared {
    /// The directory that all parts share
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Runs a part. A command that fails decides the exit code.
pub(crate) fn run(part: &Part) -> ExitCode {
    let result = match part {
        Part::Packages => packages::install(),
        Part::Majors(Shared { directory }) => majors::get(directory).map(|bins| drop(say(bins + "\n"))),
        Part::External(Shared { directory }) => external::verify(directory),
        Part::Containers(Shared { directory }) => containers::verify(directory),
        Part::Download(Shared { directory }) => archive::verify(directory),
        Part::Test(Shared { directory }) => containers::test(directory),
        Part::Clean(Shared { directory }) => {
            external::end(directory);
            containers::remove_images()
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(format_args!("error: {error}"));
            if let Some(cause) = std::error::Error::source(&error) {
                note(format_args!("  because: {cause}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

/// The text of a file, or why there is none.
fn read(path: &std::path::Path) -> Result<String, CiError> {
    std::fs::read_to_string(path).map_err(|source| CiError::File { path: path.to_path_buf(), source })
}

/// Writes a file.
fn write(path: &std::path::Path, text: impl AsRef<[u8]>) -> Result<(), CiError> {
    std::fs::write(path, text).map_err(|source| CiError::File { path: path.to_path_buf(), source })
}
