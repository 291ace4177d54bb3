//! The server of this process: passed on by `verify` through the environment, else started at the first call.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use pgproof_server::ServerConfig;
use pgproof_server::{Server, ServerError, ServerHandle, ServerOptions};

/// Describes, as JSON, the server that `verify` started for its test binaries.
pub const RUN_VARIABLE: &str = "PGPROOF_RUN";

/// Set if all tests of a suite run, rather than some.
pub const WHOLE_VARIABLE: &str = "PGPROOF_WHOLE_RUN";

/// Set for a process that must exit when its standard input closes, because its server is then removed.
pub const GUEST_VARIABLE: &str = "PGPROOF_GUEST";

/// Whether all tests of a suite run in this process, so that work done in advance pays off.
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
    /// Unused clones of it.
    pub clones: Vec<String>,
}

impl RunContext {
    /// The value of [`RUN_VARIABLE`].
    pub fn to_variable(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The server of this process. `config` is used only if the server must be started.
pub fn server(config: &ServerConfig) -> Result<&'static RunContext, &'static ServerError> {
    static SERVER: OnceLock<Result<(RunContext, Option<Server>), ServerError>> = OnceLock::new();
    let found = SERVER.get_or_init(|| match std::env::var(RUN_VARIABLE) {
        Ok(text) => serde_json::from_str(&text)
            .map(|context| (context, None))
            .inspect(|_| end_with_host())
            .map_err(|source| ServerError::RunContext { variable: RUN_VARIABLE, source }),
        Err(_) => ServerOptions::of(config).and_then(|options| Server::start(&options)).map(|server| {
            let context = RunContext { cluster: server.handle().clone(), schemas: BTreeMap::new() };
            (context, Some(server))
        }),
    });
    found.as_ref().map(|(context, _)| context)
}

/// Exits this process when its host ends, so that it creates nothing more while the reaper removes everything.
fn end_with_host() {
    if std::env::var_os(GUEST_VARIABLE).is_some() {
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            std::process::exit(2);
        });
    }
}
