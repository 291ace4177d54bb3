//! Which variables of this process no other process gets: those that may hold a password. Whatever a build script, a
//! compiler, a suite or a server prints of its environment, anybody may read.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::choice::SERVER_VARIABLE;
use crate::provider::download::DOWNLOAD_URL_VARIABLE;

/// A connection string, the password of libpq, and the address of a mirror.
const SECRETS: [&str; 4] = [SERVER_VARIABLE, "PGPASSWORD", "PGSSLPASSWORD", DOWNLOAD_URL_VARIABLE];

/// Variables that the configuration names.
static NAMED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on, no process that is started gets this variable: it holds a connection string.
pub fn keep_secret(variable: &str) {
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    if !named.iter().any(|known| known == variable) {
        named.push(variable.to_owned());
    }
}

/// Keeps passwords out of the environment of a process that is about to be started.
pub fn without_secrets(command: &mut Command) -> &mut Command {
    let named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    let all = SECRETS.iter().copied().chain(named.iter().map(String::as_str));
    all.fold(command, |command, variable| command.env_remove(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_removed_and_nothing_else() {
        let mut command = Command::new("env");
        command.env("PGPASSWORD", "hush").env("PGPROOF_SERVER", "postgres://me:hush@db").env("PGUSER", "me");
        command.env("SHOP_URL", "postgres://me:hush@db/shop");
        keep_secret("SHOP_URL");
        let output = without_secrets(&mut command).output().expect("env runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.contains("hush") && text.contains("PGUSER=me"), "{text}");
    }
}
