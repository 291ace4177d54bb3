//! Where a server comes from, and the choice of one where nobody has said.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use super::download::Permission;
use super::version::{NEWEST_MAJOR, OLDEST_MAJOR};
use super::{BIN_VARIABLE, Server, ServerError, binaries, borrowed, download, local};
use crate::connection::Address;

/// Names the provider, or is a connection string, in place of `server.provider` in the configuration.
pub const SERVER_VARIABLE: &str = "PGPROOF_SERVER";

/// Where a server comes from.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Provider {
    /// Binaries on this machine, else a container, else binaries that are downloaded.
    #[default]
    Auto,
    /// Binaries on this machine.
    Local,
    /// A container.
    Docker,
    /// Binaries that are downloaded, once.
    Download,
    /// A server that is running already: its connection string.
    Url(String),
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Provider, String> {
        match text {
            "auto" => Ok(Provider::Auto),
            "local" => Ok(Provider::Local),
            "docker" => Ok(Provider::Docker),
            "download" => Ok(Provider::Download),
            text if text.contains("://") || text.contains('=') => Ok(Provider::Url(text.to_owned())),
            _ => {
                Err("write auto, local, docker, download, or a connection string such as postgres://user@host"
                    .to_owned())
            }
        }
    }
}

impl fmt::Debug for Provider {
    /// A connection string may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Provider::Auto => "auto",
            Provider::Local => "local",
            Provider::Docker => "docker",
            Provider::Download => "download",
            Provider::Url(_) => "url",
        })
    }
}

/// Which server to start.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Where it comes from.
    pub provider: Provider,
    /// The directory of the binaries, in place of the search.
    pub bin: Option<PathBuf>,
    /// The major version, in place of the newest.
    pub major: Option<u16>,
    /// The image of a container; `{major}` in it is replaced.
    pub image: Option<String>,
    /// Whether binaries may be downloaded.
    pub download: Permission,
}

impl ServerOptions {
    /// What the environment and the configuration say.
    pub fn of(config: &crate::config::ServerConfig) -> Result<ServerOptions, ServerError> {
        let set = std::env::var(SERVER_VARIABLE).ok().filter(|text| !text.is_empty());
        let provider = match (&set, &config.provider) {
            (Some(text), _) => {
                text.parse().map_err(|problem| ServerError::BadProvider { setting: SERVER_VARIABLE, problem })?
            }
            (None, Some(text)) => match text.parse() {
                Ok(Provider::Url(_)) => {
                    let problem = format!("a connection string may hold a password; set {SERVER_VARIABLE} to it");
                    return Err(ServerError::BadProvider { setting: "server.provider", problem });
                }
                other => other.map_err(|problem| ServerError::BadProvider { setting: "server.provider", problem })?,
            },
            (None, None) => Provider::Auto,
        };
        let download = Permission::of(config.download);
        Ok(ServerOptions {
            provider,
            bin: config.bin.clone(),
            major: config.major,
            image: config.image.clone(),
            download,
        })
    }
}

impl Server {
    /// Starts a server and waits until it answers.
    pub fn start(options: &ServerOptions) -> Result<Server, ServerError> {
        Server::start_timed(options).map(|(server, _)| server)
    }

    /// Starts a server, and tells how long it took until the first answer; of a local one, how long PostgreSQL itself
    /// took: copying the data directory, starting, the first session.
    pub fn start_timed(options: &ServerOptions) -> Result<(Server, Duration), ServerError> {
        let started = Instant::now();
        let timed = |server: Server| (server, started.elapsed());
        match &options.provider {
            Provider::Local => local::start(&binaries::find(options)?, "local"),
            Provider::Docker => container(options).map(timed),
            Provider::Download => local::start(&download::installation(options.major, options.download)?, "download"),
            Provider::Url(text) => {
                let address = Address::parse(text).map_err(|source| ServerError::Address { source })?;
                borrowed::start(address, options.major).map(timed)
            }
            Provider::Auto => any(options),
        }
    }
}

/// The majors that this provider has, the oldest first.
pub fn majors(options: &ServerOptions) -> Result<Vec<u16>, ServerError> {
    match options.provider {
        Provider::Auto | Provider::Local => binaries::majors(options),
        Provider::Docker | Provider::Download => Ok((OLDEST_MAJOR..=NEWEST_MAJOR).collect()),
        Provider::Url(_) => Err(ServerError::OneMajor),
    }
}

/// What a run would begin with, in a few words.
pub fn describe(options: &ServerOptions) -> Result<String, ServerError> {
    let local = || binaries::find(options).map(|found| format!("{} in {}", found.version, found.bin.display()));
    match options.provider {
        Provider::Local => local(),
        Provider::Docker => engine(),
        Provider::Auto => match local() {
            Err(nothing @ (ServerError::NotFound { .. } | ServerError::NoSuchMajor { .. })) => {
                engine().map_err(|_| nothing)
            }
            found => found,
        },
        // What is not there yet is fetched, and databases are removed again.
        Provider::Download | Provider::Url(_) => {
            let server = Server::start(options)?;
            Ok(format!("{} at {} ({})", server.version(), server.address().place(), server.cluster().provider))
        }
    }
}

#[cfg(feature = "docker")]
fn engine() -> Result<String, ServerError> {
    super::docker::engine().map(|version| format!("in containers, of the engine {version}"))
}

#[cfg(not(feature = "docker"))]
fn engine() -> Result<String, ServerError> {
    Err(no_engine())
}

#[cfg(not(feature = "docker"))]
fn no_engine() -> ServerError {
    ServerError::NoEngine { problem: "this program was built without the feature `docker`".to_owned() }
}

/// The first provider that works; the error tells of all.
fn any(options: &ServerOptions) -> Result<(Server, Duration), ServerError> {
    let started = Instant::now();
    let found = binaries::find(options);
    // Whoever names binaries wants these.
    if options.bin.is_some() || std::env::var_os(BIN_VARIABLE).is_some() {
        return local::start(&found?, "local");
    }
    let mut tried = Vec::new();
    match found {
        Ok(installation) => return local::start(&installation, "local"),
        Err(error @ (ServerError::NotFound { .. } | ServerError::NoSuchMajor { .. })) => tried.push(("local", error)),
        Err(error) => return Err(error),
    }
    match container(options) {
        Ok(server) => return Ok((server, started.elapsed())),
        Err(error) => tried.push(("docker", error)),
    }
    match download::installation(options.major, options.download) {
        Ok(installation) => return local::start(&installation, "download"),
        Err(error) => tried.push(("download", error)),
    }
    Err(ServerError::NoProvider { tried })
}

#[cfg(feature = "docker")]
fn container(options: &ServerOptions) -> Result<Server, ServerError> {
    super::docker::start(&super::docker::image(options.image.as_deref(), options.major), options.major)
}

#[cfg(not(feature = "docker"))]
fn container(_: &ServerOptions) -> Result<Server, ServerError> {
    Err(no_engine())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_a_word_or_a_connection_string() {
        assert_eq!("docker".parse(), Ok(Provider::Docker));
        assert_eq!("postgres://db".parse(), Ok(Provider::Url("postgres://db".to_owned())));
        assert_eq!("host=db".parse(), Ok(Provider::Url("host=db".to_owned())));
        assert!("dokcer".parse::<Provider>().expect_err("no such provider").contains("local, docker"));
        let provider: Provider = "postgres://me:hush@db".parse().expect("a string");
        assert!(!format!("{provider:?}").contains("hush"));
    }
}
