//! The file `.env`: whether it would reach others, through git or through its permissions. Its values are not looked at.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use pgproof_server::without_secrets;

use super::{Check, Outcome, Problem, Subject};
use crate::{Environment, TargetError};

/// Checks the file beside `pgproof.toml`; none if there is no file.
pub fn environment_file(environment: &Result<Environment, TargetError>) -> Option<Check> {
    let check = |outcome| Some(Check { subject: Subject::EnvironmentFile, outcome });
    let environment = match environment {
        Ok(environment) => environment,
        Err(error) => {
            let problem = Problem::new(pgproof_sql::with_causes(error), ["write one NAME=value a line"]);
            return check(Outcome::Problem(problem));
        }
    };
    let file = environment.file()?;
    let (mut found, mut remedy) = (Vec::new(), Vec::new());
    match git_state(file) {
        Some(GitState::Tracked) => {
            found.push("git tracks it, so everybody who has the repository has its secrets");
            remedy.push("git rm --cached .env, add .env to .gitignore, and change every password that is in it");
        }
        Some(GitState::NotIgnored) => {
            found.push("git does not ignore it, so `git add .` would commit it");
            remedy.push("add .env to .gitignore");
        }
        Some(GitState::Ignored) | None => {}
    }
    let mode = std::fs::metadata(file).map(|data| data.permissions().mode()).unwrap_or_default();
    if mode & 0o044 != 0 {
        found.push("other users of this machine can read it");
        remedy.push("chmod 600 .env");
    }
    check(if found.is_empty() {
        Outcome::Fine("read; only its owner can read it, and git does not have it".to_owned())
    } else {
        Outcome::Warning(Problem::new(found.join("; "), remedy))
    })
}

/// What git knows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GitState {
    Tracked,
    Ignored,
    NotIgnored,
}

/// None without git, or outside of a repository.
fn git_state(file: &Path) -> Option<GitState> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name()?;
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(directory).args(arguments).arg("--").arg(name);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        without_secrets(&mut command).status().ok()?.code()
    };
    // 0 tracked, 1 not tracked, 128 no repository (git-ls-files(1), git-check-ignore(1)).
    match git(&["ls-files", "--error-unmatch"])? {
        0 => Some(GitState::Tracked),
        1 => match git(&["check-ignore", "--quiet"])? {
            0 => Some(GitState::Ignored),
            1 => Some(GitState::NotIgnored),
            _ => None,
        },
        _ => None,
    }
}
