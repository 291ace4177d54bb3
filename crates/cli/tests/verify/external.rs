//! A server that stands for one that pgproof does not own: what is on it must be the same after a run.

use std::time::{Duration, Instant};

use pgproof_server::{Server, ServerChoice, ServerOptions};

/// The guarantee: ten seconds after the end nothing is left.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// An external server, with a database and a role of its own.
pub struct ExternalServer(pub Server);

impl ExternalServer {
    pub fn new() -> ExternalServer {
        let server = Server::start(&ServerOptions { provider: ServerChoice::Local, ..ServerOptions::default() });
        let external = ExternalServer(server.expect("a server"));
        external.rows("CREATE DATABASE theirs");
        external.rows("CREATE ROLE theirs LOGIN CREATEDB CREATEROLE");
        external.is_quiet();
        external
    }

    /// The same once it is quiet: the state before a run.
    pub fn before(&self) -> Vec<String> {
        self.is_quiet();
        self.everything()
    }

    /// Waits until the sessions of the set-up have ended: a backend lives on for a moment after its client disconnects.
    fn is_quiet(&self) {
        let started = Instant::now();
        while self.everything().iter().any(|line| line.starts_with("session ")) {
            assert!(started.elapsed() < DEADLINE, "still there: {:?}", self.everything());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn conninfo(&self, role: &str) -> String {
        format!("host={} user={role}", self.0.directory().display())
    }

    pub fn rows(&self, sql: &str) -> Vec<String> {
        let mut session = self.0.handle().maintenance().expect("a session");
        let rows = session.rows(sql).expect("rows");
        rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
    }

    /// Its databases, roles and sessions, except the current session.
    pub fn everything(&self) -> Vec<String> {
        self.rows(
            "SELECT 'database ' || datname FROM pg_database UNION ALL SELECT 'role ' || rolname FROM pg_roles \
             UNION ALL SELECT 'session ' || application_name FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY 1",
        )
    }

    #[track_caller]
    pub fn is_as_before(&self, before: &[String]) {
        let started = Instant::now();
        while self.everything() != before {
            assert!(started.elapsed() < DEADLINE, "left behind: {:?}", self.everything());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
