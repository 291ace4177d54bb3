//! Packages of the distribution that the job needs. They are installed by name, and only those that are missing.

use std::path::PathBuf;
use std::process::Command;

use super::process::{CiError, run, works};
use super::write;
use pgproof_cli::note;

/// PostgreSQL and `ps`.
pub(super) fn install() -> Result<(), CiError> {
    if distribution().is_none() {
        // The cluster that Debian would make, and start, is not needed.
        let directory = PathBuf::from("/etc/postgresql-common");
        std::fs::create_dir_all(&directory).map_err(|source| CiError::File { path: directory.clone(), source })?;
        write(&directory.join("createcluster.conf"), "create_main_cluster = false\n")?;
        apt_get(&["postgresql", "postgresql-contrib"])?;
    }
    if !is_program("ps") {
        apt_get(&["procps"])?;
    }
    Ok(())
}

/// The library that uuid-ossp of other majors' binaries wants from the distribution.
pub(super) fn install_uuid() -> Result<(), CiError> {
    let libraries = Command::new("ldconfig").arg("-p").output();
    let libraries = libraries.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if libraries.contains("libossp-uuid") { Ok(()) } else { apt_get(&["libossp-uuid16"]) }
}

fn apt_get(packages: &[&str]) -> Result<(), CiError> {
    note(format_args!("installing {}", packages.join(", ")));
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    let options = ["install", "-y", "-qq", "--no-install-recommends"];
    run(Command::new("apt-get").args(options).args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Whether a program is found in PATH.
pub(super) fn is_program(name: &str) -> bool {
    works(Command::new("sh").args(["-c", "command -v \"$1\"", "sh", name]))
}

/// The program `postgres` of the distribution: that in PATH, else Debian's newest.
pub(super) fn distribution() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|directory| directory.join("postgres"));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin/postgres")).collect();
    versions.sort();
    in_path.chain(versions.into_iter().rev()).find(|program| program.is_file())
}
