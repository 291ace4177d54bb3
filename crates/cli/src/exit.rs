//! The exit code of a command, and its error message, with one line per cause.

use std::process::ExitCode;

use pgproof_report::Verdict;

/// The exit code for a result. Prints an error.
pub(crate) fn code(result: anyhow::Result<Verdict>) -> ExitCode {
    let verdict = result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        for cause in error.chain().skip(1) {
            eprintln!("  because: {cause}");
        }
        Verdict::Error
    });
    ExitCode::from(verdict.exit_code())
}
