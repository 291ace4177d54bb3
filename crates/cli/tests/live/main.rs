//! The commands for databases that are in use, as an operator runs them: against a server that pgproof does not own, as a
//! role that owns its database and has no privilege on the server.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

#[path = "../verify/project.rs"]
#[expect(dead_code, reason = "shared with the tests of `verify`, which need other parts of it")]
mod project;

#[path = "../../../runner/tests/external/server.rs"]
#[expect(dead_code, reason = "shared with the tests of external servers, which need other parts of it")]
mod external;

mod backup;
mod checklist;
mod database;
mod doctor;
mod drift;
mod migrate;
mod prove;
mod proxy;
mod restore;
mod rollback;
mod run;
mod runbooks;
mod secrets;
