//! Finds PostgreSQL's binaries on this machine. `local` starts them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ServerError;
use crate::ServerOptions;
use crate::Version;
use crate::version::OLDEST_MAJOR;
use crate::without_secrets;

/// Names the directory of the binaries, or several in the style of `PATH`, instead of searching for them.
pub const BIN_VARIABLE: &str = "PGPROOF_BIN";

/// Where packages install the binaries; `*` stands for a version.
const USUAL_PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu, Gentoo
    "/usr/pgsql-*/bin",                                   // PGDG for Red Hat
    "/usr/libexec/postgresql*",                           // Alpine
    "/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on ARM
    "/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
    "/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
    "/opt/local/lib/postgresql*/bin",                     // MacPorts
    "/Library/PostgreSQL/*/bin",                          // EnterpriseDB
    "/usr/local/pgsql/bin",                               // PostgreSQL's own default
];

/// The server binaries of one PostgreSQL version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The directory that contains `postgres` and `initdb`.
    pub bin: PathBuf,
    /// Their version.
    pub version: Version,
}

impl Installation {
    /// A command of this installation that finds its libraries, wherever the archive was unpacked.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        without_secrets(&mut command);
        let lib = self.bin.with_file_name("lib");
        if lib.join("libpq.so.5").exists() {
            command.env("LD_LIBRARY_PATH", lib);
        }
        command
    }
}

/// The installation to use: the configured one, else the newest found, of the requested major.
pub fn find(options: &ServerOptions) -> Result<Installation, ServerError> {
    let found = installations(options)?;
    let fits = |version: &Version| match options.major {
        Some(major) => version.major == major && major >= OLDEST_MAJOR,
        None => version.major >= OLDEST_MAJOR,
    };
    // Among equal versions the first wins: PATH comes before the default directories.
    let best = found.iter().filter(|i| fits(&i.version)).rev().max_by(|a, b| a.version.cmp(&b.version)).cloned();
    best.ok_or_else(|| ServerError::NoSuchMajor {
        wanted: options.major,
        found: found.into_iter().map(|i| (i.version, i.bin)).collect(),
    })
}

/// The supported majors with binaries on this machine, oldest first.
pub fn majors(options: &ServerOptions) -> Result<Vec<u16>, ServerError> {
    let found = installations(options)?;
    let mut majors: Vec<u16> = found.iter().map(|installation| installation.version.major).collect();
    majors.retain(|major| *major >= OLDEST_MAJOR);
    majors.sort_unstable();
    majors.dedup();
    if majors.is_empty() {
        let found = found.into_iter().map(|installation| (installation.version, installation.bin)).collect();
        return Err(ServerError::NoSuchMajor { wanted: None, found });
    }
    Ok(majors)
}

/// The configured installations, else all that are found; none is an error.
fn installations(options: &ServerOptions) -> Result<Vec<Installation>, ServerError> {
    let (found, looked) = match configured(options) {
        Some((setting, bins)) => {
            let inspected = bins.into_iter().map(|bin| {
                inspect(&bin).map_err(|problem| ServerError::BadSetting { setting, bin: bin.clone(), problem })
            });
            (inspected.collect::<Result<Vec<_>, _>>()?, Vec::new())
        }
        None => search(),
    };
    if found.is_empty() { Err(ServerError::NotFound { looked }) } else { Ok(found) }
}

/// The directories that are configured, if any are, and the setting that names them.
pub(super) fn configured(options: &ServerOptions) -> Option<(&'static str, Vec<PathBuf>)> {
    let variable = std::env::var_os(BIN_VARIABLE).filter(|bins| !bins.is_empty());
    let set = variable.map(|bins| (BIN_VARIABLE, std::env::split_paths(&bins).collect::<Vec<_>>()));
    set.or_else(|| Some(("server.bin", vec![options.bin.clone()?])))
}

/// Every installation on this machine, and a line for every place without one.
fn search() -> (Vec<Installation>, Vec<String>) {
    let mut found: Vec<Installation> = Vec::new();
    let mut looked = Vec::new();
    for (place, directories) in places("postgres") {
        if directories.is_empty() {
            looked.push(format!("{place}: nothing there"));
        }
        for directory in directories {
            // The same installation is often found in several ways; querying its version takes milliseconds.
            let resolved = resolve(&directory);
            if resolved.as_ref().is_ok_and(|bin| found.iter().any(|installation| installation.bin == *bin)) {
                continue;
            }
            match resolved.and_then(|bin| inspect(&bin)) {
                Ok(installation) => found.push(installation),
                Err(problem) => looked.push(format!("{place}: {}: {problem}", directory.display())),
            }
        }
    }
    (found, looked)
}

/// Each place by name, with the directories there that may contain this program.
pub(super) fn places(program: &str) -> Vec<(String, Vec<PathBuf>)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).filter(|dir| dir.join(program).is_file()).collect();
    let mut places = vec![("PATH".to_owned(), on_path), ("pg_config --bindir".to_owned(), pg_config(program))];
    if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
        // Where the crate postgresql_embedded unpacks its downloads.
        let pattern = home.join(".theseus/postgresql/*/bin");
        places.push((pattern.display().to_string(), expand(&pattern)));
    }
    places.extend(USUAL_PLACES.iter().map(|pattern| ((*pattern).to_owned(), expand(Path::new(pattern)))));
    places
}

fn pg_config(program: &str) -> Vec<PathBuf> {
    let output = without_secrets(&mut Command::new("pg_config"))
        .arg("--bindir")
        .output()
        .ok()
        .filter(|output| output.status.success());
    let bin = output.and_then(|output| String::from_utf8(output.stdout).ok()).map(|text| PathBuf::from(text.trim()));
    // Development packages provide pg_config without a server.
    bin.filter(|bin| bin.join(program).is_file()).into_iter().collect()
}

/// The existing paths that match a pattern with one `*` in one component.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::new()];
    for component in pattern.components() {
        let name = component.as_os_str().to_string_lossy();
        paths = match name.split_once('*') {
            None => paths.into_iter().map(|path| path.join(component)).collect(),
            Some((before, after)) => paths.iter().flat_map(|path| children(path, before, after)).collect(),
        };
    }
    paths.retain(|path| path.is_dir());
    paths.sort();
    paths
}

fn children(path: &Path, before: &str, after: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let fits =
        |name: &str| name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
    entries.filter(|entry| fits(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
}

/// The directory of the program itself, if `postgres` is a link.
fn resolve(bin: &Path) -> Result<PathBuf, String> {
    let postgres = bin.join("postgres").canonicalize().map_err(|error| format!("postgres: {error}"))?;
    Ok(postgres.parent().map(Path::to_path_buf).unwrap_or_default())
}

/// The installation in this directory, or what is wrong with it.
pub(crate) fn inspect(bin: &Path) -> Result<Installation, String> {
    let bin = resolve(bin)?;
    let postgres = bin.join("postgres");
    if !bin.join("initdb").is_file() {
        return Err("there is no initdb next to postgres".to_owned());
    }
    let output = without_secrets(&mut Command::new(&postgres))
        .arg("--version")
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("cannot run postgres: {error}"))?;
    let answer = String::from_utf8_lossy(&output.stdout);
    let version = Version::parse(&answer)
        .ok_or_else(|| format!("`postgres --version` prints {:?}, not a version", answer.trim()))?;
    Ok(Installation { bin, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_a_version_in_a_path() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["pg-15/bin", "pg-16/bin", "pg/bin", "pg-17/other"] {
            std::fs::create_dir_all(dir.path().join(name)).expect("a directory");
        }
        let found = expand(&dir.path().join("pg-*/bin"));
        assert_eq!(found, [dir.path().join("pg-15/bin"), dir.path().join("pg-16/bin")]);
    }

    #[test]
    fn a_directory_without_a_server_says_what_is_missing() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(inspect(dir.path()).expect_err("nothing there").starts_with("postgres: "));
        std::fs::write(dir.path().join("postgres"), "").expect("a file");
        assert_eq!(inspect(dir.path()), Err("there is no initdb next to postgres".to_owned()));
    }
}
