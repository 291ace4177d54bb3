//! The exit code of a command, and its error message, with one line per cause.

use std::process::ExitCode;

use pgproof_report::Verdict;

use crate::terminal::note;

/// The exit code for a result. Prints an error.
pub(crate) fn code(result: anyhow::Result<Verdict>) -> ExitCode {
    let verdict = result.unwrap_or_else(|error| {
        note(format_args!("error: {error}"));
        for cause in error.chain().skip(1) {
            note(format_args!("  because: {cause}"));
        }
        Verdict::Error
    });
    ExitCode::from(verdict.exit_code())
}
