//! The main job on external servers: a server of each major that an earlier run left running serves as one.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::process::{CiError, checked, command_output, shown, verdict};
use super::{majors, read, write};

/// The file, in the directory, that holds the process id of the server that runs now.
const KEPT: &str = "kept";

/// Verifies on a server of each major.
pub(super) fn verify(directory: &Path) -> Result<(), CiError> {
    for bin in majors::listed(directory)? {
        let mut keep = super::process::verify(&["opportunity", "--filter", "table_existence", "--keep"])?;
        let output = command_output(keep.env("PGPROOF_BIN", &bin))?;
        let printed = String::from_utf8_lossy(&checked(&keep, output)?.stderr).into_owned();
        let unexpected = |what| CiError::Unexpected { command: shown(&keep), what, output: printed.clone() };
        // First of all, so that the server ends whatever comes.
        write(&directory.join(KEPT), pid(&printed).ok_or_else(|| unexpected("process id"))?)?;
        let conninfo = conninfo(&printed).ok_or_else(|| unexpected("connection string"))?;
        let verified = verdict(super::process::verify(&[])?.env("PGPROOF_SERVER", conninfo));
        end(directory);
        verified?;
    }
    Ok(())
}

/// Ends the server that is kept, if there is one.
pub(super) fn end(directory: &Path) {
    let file = directory.join(KEPT);
    let pid = read(&file).ok().and_then(|text| text.trim().parse().ok());
    if let Some(pid) = pid {
        // It may have ended.
        let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
        let _ = std::fs::remove_file(file);
    }
}

/// The process id in what `verify --keep` prints.
fn pid(printed: &str) -> Option<&str> {
    printed.lines().find_map(|line| line.strip_prefix("  kill -INT "))
}

/// How to connect, without the database, in what `verify --keep` prints.
fn conninfo(printed: &str) -> Option<&str> {
    let command = printed.lines().find_map(|line| line.split_once("\"host=").map(|_| line))?;
    command.split_once('"')?.1.split_once(" dbname=").map(|(server, _)| server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keep_prints_is_understood() {
        let printed =
            "the server keeps running:\n  psql \"host=/dev/shm/x port=5432 user=postgres dbname=a\"\n  kill -INT 42\n";
        assert_eq!(pid(printed), Some("42"));
        assert_eq!(conninfo(printed), Some("host=/dev/shm/x port=5432 user=postgres"));
        assert_eq!((pid(""), conninfo("")), (None, None));
    }
}
