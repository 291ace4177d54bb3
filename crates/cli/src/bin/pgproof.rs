//! The program `pgproof`, for projects without an xtask.

fn main() -> std::process::ExitCode {
    pgproof_cli::main()
}
