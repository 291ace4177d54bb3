//! The workspace's own commands: all of pgproof's.

fn main() -> std::process::ExitCode {
    pgproof_cli::main()
}
