//! The server of this process: passed on by `verify` through the environment, else started at the first call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use crate::isolation::{InUse, Owners};
use pgproof_server::{Owner, ServerConfig};
use pgproof_server::{Server, ServerError, ServerHandle, ServerOptions, Version};

/// Names the file that describes the server which `verify` started for its test binaries. It holds a password, so only
/// its owner may read it, and no process shows it in its environment.
pub const RUN_VARIABLE: &str = "PGPROOF_RUN";

/// Set if all tests of a suite run, rather than some.
pub const WHOLE_VARIABLE: &str = "PGPROOF_WHOLE_RUN";

/// Set for a process that must exit when its standard input closes, because its server is then removed.
pub const GUEST_VARIABLE: &str = "PGPROOF_GUEST";

/// Whether all tests of a suite run in this process, so that work done in advance pays off.
pub fn is_whole_run() -> bool {
    std::env::var_os(WHOLE_VARIABLE).is_some()
}

/// The version of [`RunContext`] as a file. A suite and the program that starts it are built separately.
pub const RUN_FORMAT: u32 = 3;

/// A running server and the databases that are ready in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunContext {
    /// [`RUN_FORMAT`].
    pub format: u32,
    /// The server.
    pub cluster: ServerHandle,
    /// What is ready, by schema.
    pub schemas: BTreeMap<String, Ready>,
    /// Databases that are in use, by schema. If there is one, nothing is created on the server, which is theirs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub in_use: BTreeMap<String, InUse>,
    /// The owners of databases that this process created.
    #[serde(skip)]
    pub(crate) owners: Owners,
}

/// The databases of a schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    /// The template, migrated.
    pub template: String,
    /// Unused clones of it.
    pub clones: Vec<String>,
    /// The role that owns them and runs the migrations, if it is not the server's user.
    pub owner: Option<Owner>,
}

impl RunContext {
    /// A run on this server with these databases.
    pub fn new(cluster: ServerHandle, schemas: BTreeMap<String, Ready>) -> RunContext {
        RunContext { format: RUN_FORMAT, cluster, schemas, in_use: BTreeMap::new(), owners: Owners::default() }
    }

    /// A run on a database that is in use and has this schema; `version` is that of its server.
    pub fn of_database_in_use(schema: &str, in_use: InUse, version: Version) -> RunContext {
        let address = in_use.address().clone();
        let cluster = ServerHandle { address, version, provider: "database".to_owned(), limits: None, run: None };
        let in_use = BTreeMap::from([(schema.to_owned(), in_use)]);
        RunContext { in_use, ..RunContext::new(cluster, BTreeMap::new()) }
    }

    /// Writes the file that [`RUN_VARIABLE`] names, below the directory of the server.
    pub fn write(&self, server: &Server) -> std::io::Result<PathBuf> {
        server.write_private("run.json", &serde_json::to_string(self)?)
    }

    /// Writes the same file into a directory that nobody else may enter. The suite removes it as soon as it has read it if
    /// it holds the address of a database that is in use.
    pub fn write_into(&self, directory: &Path) -> std::io::Result<PathBuf> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = directory.join("run.json");
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        serde_json::to_writer(&mut file, self)?;
        Ok(path)
    }

    fn read(file: &Path) -> Result<RunContext, ServerError> {
        let wrong = |problem: String| ServerError::RunContext { file: file.to_owned(), problem };
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let format = value["format"].as_u64();
        if format != Some(u64::from(RUN_FORMAT)) {
            let found = format.map_or("none".to_owned(), |format| format.to_string());
            return Err(wrong(format!(
                "its format is {found}, and this suite reads {RUN_FORMAT}; build both with the same version of pgproof"
            )));
        }
        let context: RunContext = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        if !context.in_use.is_empty() {
            // It holds a password that is not ours. The directory is removed anyway, unless the host is killed.
            let _ = std::fs::remove_file(file);
        }
        Ok(context)
    }
}

type Found = Result<(RunContext, Mutex<Option<Server>>), ServerError>;

static SERVER: OnceLock<Found> = OnceLock::new();

/// The server of this process. `config` is used only if the server must be started.
pub fn server(config: &ServerConfig) -> Result<&'static RunContext, &'static ServerError> {
    found(|| ServerOptions::of(config))
}

/// The server of this process, started with these options unless there is one.
pub fn start(options: &ServerOptions) -> Result<&'static RunContext, &'static ServerError> {
    found(|| Ok(options.clone()))
}

/// Whether this process proves a database that is in use.
pub fn proves_database_in_use() -> bool {
    matches!(SERVER.get(), Some(Ok((context, _))) if !context.in_use.is_empty())
}

/// Takes the server from this process, to let it run on. None if another process started it.
pub fn take() -> Option<Server> {
    let (_, server) = SERVER.get()?.as_ref().ok()?;
    server.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Creates a directory that is removed with the server of this process, however that ends.
///
/// Fails if this process has started no server.
pub fn make_directory(name: &str) -> std::io::Result<PathBuf> {
    let server = SERVER.get().and_then(|found| found.as_ref().ok()).map(|(_, server)| server);
    let server = server.map(|server| server.lock().unwrap_or_else(PoisonError::into_inner));
    let none = || std::io::Error::new(std::io::ErrorKind::NotFound, "this process has started no server");
    server.as_ref().and_then(|server| server.as_ref()).ok_or_else(none)?.make_directory(name)
}

fn found(
    options: impl FnOnce() -> Result<ServerOptions, ServerError>,
) -> Result<&'static RunContext, &'static ServerError> {
    let found = SERVER.get_or_init(|| match std::env::var_os(RUN_VARIABLE) {
        Some(file) => {
            RunContext::read(Path::new(&file)).map(|context| (context, Mutex::default())).inspect(|_| end_with_host())
        }
        None => options().and_then(|options| Server::start(&options)).map(|server| {
            let context = RunContext::new(server.handle().clone(), BTreeMap::new());
            (context, Mutex::new(Some(server)))
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
