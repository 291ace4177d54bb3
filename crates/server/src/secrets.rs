//! Which variables of this process no other process gets: those that may hold a password. Whatever a build script, a
//! compiler, a suite or a server prints of its environment, anybody may read.

use std::process::Command;

use crate::choice::SERVER_VARIABLE;
use crate::provider::download::DOWNLOAD_URL_VARIABLE;

/// A connection string, the password of libpq, and the address of a mirror.
const SECRETS: [&str; 4] = [SERVER_VARIABLE, "PGPASSWORD", "PGSSLPASSWORD", DOWNLOAD_URL_VARIABLE];

/// Keeps passwords out of the environment of a process that is about to be started.
pub fn without_secrets(command: &mut Command) -> &mut Command {
    SECRETS.iter().fold(command, |command, variable| command.env_remove(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_removed_and_nothing_else() {
        let mut command = Command::new("env");
        command.env("PGPASSWORD", "hush").env("PGPROOF_SERVER", "postgres://me:hush@db").env("PGUSER", "me");
        let output = without_secrets(&mut command).output().expect("env runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.contains("hush") && text.contains("PGUSER=me"), "{text}");
    }
}
