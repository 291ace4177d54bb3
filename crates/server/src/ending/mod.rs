//! Cleanup after a run, however the run ends: the watchdog ends a local server, the reaper removes what was created
//! elsewhere, and owner tags identify a run's databases and roles.

mod before_main;
#[cfg(feature = "docker")]
pub(crate) mod containers;
pub(crate) mod databases;
pub(crate) mod guard;
pub(crate) mod owner_tag;
pub(crate) mod reaper;
pub(crate) mod roles;
pub(crate) mod watchdog;
