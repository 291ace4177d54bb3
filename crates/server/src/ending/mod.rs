//! How what a run made ends, however the run itself ends: the watchdog of a local server, the reaper of what stands
//! elsewhere, and the tags by which a run's databases and roles are recognised.

mod before_main;
pub(crate) mod guard;
pub(crate) mod owner_tag;
pub(crate) mod reaper;
pub(crate) mod roles;
pub(crate) mod watchdog;
