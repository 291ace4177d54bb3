//! The operating system account that PostgreSQL runs as, which must not be root (documentation, "The PostgreSQL User
//! Account").

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::ServerError;

/// An unprivileged account that stands in for root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub uid: u32,
    pub gid: u32,
}

/// The account that runs the server: `None` is the current one; root is replaced by `postgres` or else `nobody`.
pub(crate) fn unprivileged() -> Result<Option<Account>, ServerError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(|user| Some(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
        .ok_or(ServerError::NoAccount)
}

/// Makes `command` run as `account`, in a directory that every account may enter.
pub(crate) fn run_as(command: &mut Command, account: Option<Account>) {
    command.current_dir("/");
    if let Some(Account { uid, gid }) = account {
        // Setting the uid as root also clears the supplementary groups.
        command.gid(gid).uid(uid);
    }
}
