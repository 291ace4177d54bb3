//! How a command ends: its verdict, or the error that kept it from one, with every cause on a line.

use std::process::ExitCode;

use pgproof_report::Verdict;

/// The exit code of a result; an error is printed.
pub(crate) fn code(result: anyhow::Result<Verdict>) -> ExitCode {
    let verdict = result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        for cause in error.chain().skip(1) {
            eprintln!("  because: {cause}");
        }
        Verdict::Failed
    });
    ExitCode::from(verdict.exit_code())
}
