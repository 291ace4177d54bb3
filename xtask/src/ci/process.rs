//! Commands that the parts run: what they print is shown, and one that fails ends its part.

use pgproof_cli::{note, say};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Why a part ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CiError {
    #[error("cannot run {command}")]
    Start { command: String, source: std::io::Error },
    #[error("{command} failed ({status})")]
    Failed { command: String, status: std::process::ExitStatus },
    #[error("{command} printed no {what}:\n{output}")]
    Unexpected { command: String, what: &'static str, output: String },
    #[error("cannot read or write {path}", path = path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("there is no PostgreSQL in PATH or in /usr/lib/postgresql")]
    NoPostgres,
}

impl CiError {
    /// The exit code of the command that failed, else that of an error.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            CiError::Failed { status, .. } => status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2),
            _ => 2,
        }
    }
}

/// Program and arguments, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs a command whose standard output is shown on standard error, so that a part can print a result.
pub(crate) fn run(command: &mut Command) -> Result<(), CiError> {
    let output = command_output(command.stdout(std::io::stderr()).stderr(Stdio::inherit()))?;
    checked(command, output).map(|_| ())
}

/// The standard output of a command. Its standard error is shown.
pub(crate) fn printed(command: &mut Command) -> Result<String, CiError> {
    let output = command_output(command.stderr(Stdio::inherit()))?;
    let output = checked(command, output)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command can be run and ends well. Nothing is shown.
pub(crate) fn works(command: &mut Command) -> bool {
    command_output(command).is_ok_and(|output| output.status.success())
}

/// How a command ended, and what it printed where its output was not directed elsewhere.
pub(crate) fn command_output(command: &mut Command) -> Result<Output, CiError> {
    let output = command.stdin(Stdio::null()).output();
    output.map_err(|source| CiError::Start { command: shown(command), source })
}

/// An error if the command failed, after what it printed and nobody has seen.
pub(crate) fn checked(command: &Command, output: Output) -> Result<Output, CiError> {
    if output.status.success() {
        return Ok(output);
    }
    for text in [&output.stdout, &output.stderr] {
        note(format_args!("{}", String::from_utf8_lossy(text)));
    }
    Err(CiError::Failed { command: shown(command), status: output.status })
}

/// `cargo xtask verify`, by the program that runs now.
pub(crate) fn verify(arguments: &[&str]) -> Result<Command, CiError> {
    let program = std::env::current_exe();
    let program = program.map_err(|source| CiError::Start { command: "xtask".to_owned(), source })?;
    let mut command = Command::new(program);
    command.arg("verify").args(arguments);
    Ok(command)
}

/// Runs `verify` and shows its last line: the verdict.
pub(crate) fn verdict(command: &mut Command) -> Result<(), CiError> {
    let output = printed(command)?;
    let _ = say(format_args!("{}\n", output.lines().last().unwrap_or_default()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_decides_the_exit_code() {
        let failed = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!((failed.exit_code(), failed.to_string().as_str()), (3, "sh -c exit 3 failed (exit status: 3)"));
        assert_eq!(printed(&mut Command::new("/nowhere")).unwrap_err().exit_code(), 2);
        assert_eq!(printed(Command::new("echo").arg("a")).unwrap(), "a\n");
        assert!(works(&mut Command::new("true")) && !works(&mut Command::new("false")));
    }
}
