//! PostgreSQL's binaries on this machine: where they are, the account they run as, the directory of a server, and the
//! cache of initialised data directories.

pub(crate) mod account;
pub(crate) mod binaries;
pub(crate) mod cache;
pub(crate) mod clients;
mod initdb;
pub(crate) mod place;
mod remains;
pub(crate) mod sweep;
