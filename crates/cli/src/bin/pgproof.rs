//! The program `pgproof`, for projects that have no xtask.

fn main() -> std::process::ExitCode {
    pgproof_cli::main()
}
