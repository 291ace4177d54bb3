//! Finds `pg_dump` and `pg_restore` on this machine. A server beside them is not needed: distributions have packages of
//! the client programs alone. How they connect is described in `connection::client`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::binaries::{configured, places};
use crate::{ServerError, ServerOptions, Version, without_secrets};

/// The variables of this process that client programs get. Any other may hold a connection string.
const PASSED_ON: [&str; 10] =
    ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANGUAGE", "LD_LIBRARY_PATH"];

/// `pg_dump` and `pg_restore` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPrograms {
    bin: PathBuf,
    /// Their version.
    pub version: Version,
}

impl ClientPrograms {
    /// The oldest version that is of this major version or newer. `pg_dump` rejects servers that are newer than itself, and
    /// what a newer `pg_restore` sends, an older server may not know.
    ///
    /// Fails with [`ServerError::NoClient`].
    pub fn for_major(options: &ServerOptions, major: u16) -> Result<ClientPrograms, ServerError> {
        let mut found = all(options)?;
        found.sort_by(|one, other| one.version.major.cmp(&other.version.major).then(other.version.cmp(&one.version)));
        let majors = found.iter().map(|client| client.version.major).collect();
        let fits = found.into_iter().find(|client| client.version.major >= major);
        fits.ok_or(ServerError::NoClient { major, found: majors })
    }

    /// A command that runs `pg_dump`, in an environment without secrets.
    pub fn pg_dump(&self) -> Command {
        self.command("pg_dump")
    }

    /// A command that runs `pg_restore`, in an environment without secrets.
    pub fn pg_restore(&self) -> Command {
        self.command("pg_restore")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.env_clear();
        command.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        let lib = self.bin.with_file_name("lib");
        if lib.join("libpq.so.5").exists() {
            command.env("LD_LIBRARY_PATH", lib);
        }
        command
    }
}

/// The configured programs, else all that are found.
fn all(options: &ServerOptions) -> Result<Vec<ClientPrograms>, ServerError> {
    if let Some((setting, bins)) = configured(options) {
        let inspected = bins
            .into_iter()
            .map(|bin| inspect(&bin).map_err(|problem| ServerError::BadSetting { setting, bin: bin.clone(), problem }));
        return inspected.collect();
    }
    let mut found: Vec<ClientPrograms> = Vec::new();
    for directory in places("pg_dump").into_iter().flat_map(|(_, directories)| directories) {
        if let Ok(client) = inspect(&directory)
            && !found.contains(&client)
        {
            found.push(client);
        }
    }
    Ok(found)
}

/// The programs in this directory, or what is wrong with them.
fn inspect(bin: &Path) -> Result<ClientPrograms, String> {
    let pg_dump = bin.join("pg_dump").canonicalize().map_err(|error| format!("pg_dump: {error}"))?;
    // Debian's /usr/bin/pg_dump is a link to a script that chooses a version by itself.
    if pg_dump.file_name().is_none_or(|name| name != "pg_dump") {
        return Err(format!("pg_dump is {}, not the program itself", pg_dump.display()));
    }
    let bin = pg_dump.parent().map(Path::to_path_buf).unwrap_or_default();
    if !bin.join("pg_restore").is_file() {
        return Err("there is no pg_restore next to pg_dump".to_owned());
    }
    let output = without_secrets(&mut Command::new(&pg_dump))
        .arg("--version")
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("cannot run pg_dump: {error}"))?;
    let answer = String::from_utf8_lossy(&output.stdout);
    let version = Version::parse(&answer)
        .ok_or_else(|| format!("`pg_dump --version` prints {:?}, not a version", answer.trim()))?;
    Ok(ClientPrograms { bin, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_is_new_enough_is_found() {
        let found = ClientPrograms::for_major(&ServerOptions::default(), 14).expect("pg_dump");
        let same = ClientPrograms::for_major(&ServerOptions::default(), found.version.major).expect("pg_dump");
        assert_eq!(found, same);
    }

    #[test]
    fn without_one_the_error_says_what_is_here_and_what_to_install() {
        let error = ClientPrograms::for_major(&ServerOptions::default(), 99).expect_err("not released").to_string();
        assert!(error.starts_with("no pg_dump and pg_restore of PostgreSQL 99 or newer: this machine has "), "{error}");
        assert!(error.contains("apt-get install postgresql-client-99"), "{error}");
    }

    #[test]
    fn a_script_that_chooses_a_version_is_not_the_program() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("pg_wrapper"), "").expect("a file");
        std::os::unix::fs::symlink("pg_wrapper", directory.path().join("pg_dump")).expect("a link");
        assert!(inspect(directory.path()).expect_err("a script").contains("not the program itself"));
    }
}
