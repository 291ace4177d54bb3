//! The directory of a running server: a new one, in memory if there is room.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::ServerError;

/// The prefix of the name of every run's directory.
pub(crate) const PREFIX: &str = "pgproof-";

/// The longest path of a Unix socket: 104 bytes on macOS and the BSDs, 108 on Linux, including the terminating NUL.
const LONGEST_SOCKET: usize = 103;

/// The space that a server and a few clones need.
const ROOM: u64 = 512 << 20;

/// The directories to consider, best first.
pub(crate) fn candidates() -> Vec<PathBuf> {
    let mut candidates = vec![PathBuf::from("/dev/shm"), std::env::temp_dir(), PathBuf::from("/tmp")];
    // A relative TMPDIR would mean another place in the server's own directory.
    candidates.retain(|candidate| candidate.is_absolute());
    candidates.dedup();
    candidates
}

/// The path of a new directory for this run's server.
pub(crate) fn choose(shared_with_another_account: bool) -> Result<PathBuf, ServerError> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let mut looked = Vec::new();
    for base in candidates() {
        let name = format!("{PREFIX}{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let directory = base.join(name);
        match problem(&base, &directory, shared_with_another_account) {
            None => return Ok(directory),
            Some(problem) => looked.push(format!("{}: {problem}", base.display())),
        }
    }
    Err(ServerError::NoPlace { looked })
}

fn problem(base: &Path, directory: &Path, shared: bool) -> Option<String> {
    let metadata = match base.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return Some(error.to_string()),
    };
    if !metadata.is_dir() {
        return Some("not a directory".to_owned());
    }
    if nix::unistd::access(base, nix::unistd::AccessFlags::W_OK).is_err() {
        return Some("not writable".to_owned());
    }
    if shared && metadata.permissions().mode() & 0o003 != 0o003 {
        return Some("not writable by the unprivileged account that runs the server".to_owned());
    }
    let socket = directory.join(".s.PGSQL.5432");
    if socket.as_os_str().len() > LONGEST_SOCKET {
        return Some(format!("its path is too long for a Unix socket (over {LONGEST_SOCKET} bytes)"));
    }
    if directory.exists() {
        return Some(format!("{} already exists", directory.display()));
    }
    match nix::sys::statvfs::statvfs(base) {
        Ok(stat) if free_bytes(&stat) < ROOM => Some(format!("less than {} MB free", ROOM >> 20)),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

#[expect(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the fields' widths differ between systems")]
fn free_bytes(stat: &nix::sys::statvfs::Statvfs) -> u64 {
    u64::from(stat.blocks_available()).saturating_mul(stat.fragment_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_is_rejected() {
        let base = tempfile::tempdir().expect("a directory");
        let deep = base.path().join("x".repeat(90));
        std::fs::create_dir(&deep).expect("a directory");
        let problem = problem(&deep, &deep.join("pgproof-1-0"), false).expect("too long");
        assert!(problem.contains("too long for a Unix socket"), "{problem}");
    }

    #[test]
    fn a_private_directory_is_rejected_for_another_account() {
        let base = tempfile::tempdir().expect("a directory");
        let problem = problem(base.path(), &base.path().join("pgproof-1-0"), true).expect("private");
        assert!(problem.contains("unprivileged account"), "{problem}");
    }
}
