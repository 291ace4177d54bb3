//! The server of this process: handed over by `verify` through the environment, else started by the first who asks.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use pgproof_server::ServerConfig;
use pgproof_server::{Server, ServerError, ServerHandle, ServerOptions};

/// Describes, as JSON, the server that `verify` started for its test binaries.
pub const RUN_VARIABLE: &str = "PGPROOF_RUN";

/// Set where all tests of a suite run, rather than some.
pub const WHOLE_VARIABLE: &str = "PGPROOF_WHOLE_RUN";

/// Set for a process that ends when its standard input does: it uses a server that goes with whoever handed it over.
pub const GUEST_VARIABLE: &str = "PGPROOF_GUEST";

/// Whether all tests of a suite run in this process, so that work ahead is not lost.
pub fn is_whole_run() -> bool {
    std::env::var_os(WHOLE_VARIABLE).is_some()
}

/// A running server and the databases that are ready in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunContext {
    /// The server.
    pub cluster: ServerHandle,
    /// What is ready, by schema.
    pub schemas: BTreeMap<String, Ready>,
}

/// The databases of a schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    /// The template, migrated.
    pub template: String,
    /// Clones of it that nobody uses yet.
    pub clones: Vec<String>,
}

impl RunContext {
    /// The value of [`RUN_VARIABLE`].
    pub fn to_variable(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The server of this process. `config` counts only for the one that starts it.
pub fn server(config: &ServerConfig) -> Result<&'static RunContext, &'static ServerError> {
    static SERVER: OnceLock<Result<(RunContext, Option<Server>), ServerError>> = OnceLock::new();
    let found = SERVER.get_or_init(|| match std::env::var(RUN_VARIABLE) {
        Ok(text) => serde_json::from_str(&text)
            .map(|handover| (handover, None))
            .inspect(|_| end_with_host())
            .map_err(|source| ServerError::RunContext { variable: RUN_VARIABLE, source }),
        Err(_) => ServerOptions::of(config).and_then(|options| Server::start(&options)).map(|server| {
            let cluster = server.handle().clone();
            (RunContext { cluster, schemas: BTreeMap::new() }, Some(server))
        }),
    });
    found.as_ref().map(|(handover, _)| handover)
}

/// Ends this process when its host has ended, so that it makes nothing more where somebody is removing everything.
fn end_with_host() {
    if std::env::var_os(GUEST_VARIABLE).is_some() {
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            std::process::exit(2);
        });
    }
}
