//! A server in a container, created through testcontainers: data in memory, no durability, and a port on the loopback
//! interface if the engine is on this machine. The reaper removes it when its owner ends.

use postgres::error::SqlState;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use testcontainers::bollard::models::PortBinding;
use testcontainers::bollard::query_parameters::{LogsOptionsBuilder, RenameContainerOptionsBuilder};
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::SyncRunner;
use testcontainers::{Container, ContainerRequest, GenericImage, ImageExt, TestcontainersError};

use super::Provider;
use crate::connection::Address;
use crate::ending::containers::{KEPT, OWNER_LABEL, RUN_LABEL, sweep, with_engine};
use crate::ending::guard::Guard;
use crate::ending::reaper::{Duty, Reaper};
use crate::random::number;
use crate::settings::{DISPOSABLE, start_deadline};
use crate::version::{NEWEST_MAJOR, OLDEST_MAJOR};
use crate::{Server, ServerError, ServerHandle, ServerOptions, Session, Version, log};

/// The official image; `{major}` is replaced with the major version.
const IMAGE: &str = "postgres:{major}";

/// Names the image, overriding the configuration.
pub const IMAGE_VARIABLE: &str = "PGPROOF_IMAGE";

const PORT: u16 = 5432;

/// Containers of the engine at `DOCKER_HOST` or the default socket.
#[derive(Debug)]
pub(super) struct Docker;

impl Provider for Docker {
    fn start(&self, options: &ServerOptions) -> Result<Server, ServerError> {
        start(&image(options.image.as_deref(), options.major), options.major)
    }

    fn majors(&self, _: &ServerOptions) -> Result<Vec<u16>, ServerError> {
        Ok((OLDEST_MAJOR..=NEWEST_MAJOR).collect())
    }

    fn describe(&self, _: &ServerOptions) -> Result<String, ServerError> {
        engine().map(|version| format!("in containers, engine {version}"))
    }
}

/// Removes a container when dropped, or through its reaper.
struct ContainerGuard {
    container: Container<GenericImage>,
    reaper: Reaper,
}

impl Guard for ContainerGuard {
    fn log(&self) -> String {
        log_of(self.container.id())
    }

    fn keep(self: Box<Self>) -> String {
        let ContainerGuard { container, reaper } = *self;
        reaper.keep();
        let id = container.id().to_owned();
        let name = format!("{KEPT}{}", &id[..12]);
        let remove = format!("docker rm --force --volumes {name}");
        // Later runs recognise it by this name: it no longer has an owner.
        let options = RenameContainerOptionsBuilder::new().name(&name).build();
        let _ = with_engine(async move |engine| engine.rename_container(&id, options).await);
        // Dropping it would remove it.
        std::mem::forget(container);
        remove
    }
}

impl std::fmt::Debug for ContainerGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ContainerGuard").field(&self.container.id()).finish()
    }
}

/// The name of the image, with its tag, for a major version.
pub(crate) fn image(configured: Option<&str>, major: Option<u16>) -> String {
    let variable = std::env::var(IMAGE_VARIABLE).ok().filter(|image| !image.is_empty());
    of_major(variable.as_deref().or(configured).unwrap_or(IMAGE), major)
}

fn of_major(image: &str, major: Option<u16>) -> String {
    image.replace("{major}", &major.unwrap_or(NEWEST_MAJOR).to_string())
}

/// The version of the engine, or why it does not answer.
pub(crate) fn engine() -> Result<String, ServerError> {
    with_engine(async |engine| Ok(engine.version().await?.version.unwrap_or_default()))
}

/// Starts a container and waits until its server answers.
pub(crate) fn start(image: &str, major: Option<u16>) -> Result<Server, ServerError> {
    engine()?;
    sweep();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let run = format!("{:x}-{:x}", std::process::id(), now.as_nanos());
    let started = Instant::now();
    let mut reaper = Reaper::spawn(&Duty::Container { run: run.clone() })?;
    let password = format!("{:016x}{:016x}", number(), number());
    let request = request(image, &run, &password);
    let container = request.start().map_err(|source| unavailable(image, source))?;
    reaper.started();
    let outside = outside(&container).map_err(|source| {
        // A container that has exited has no port.
        if has_ended(&container) { not_ready(image, &container, None) } else { unavailable(image, source) }
    })?;
    let at = |host: &str, port| Address::on_port(host, port, "postgres", &password);
    let address = at(&outside.0, outside.1);
    let version = wait_until_ready(&address, &container, image)?;
    if major.is_some_and(|major| major != version.major) {
        return Err(ServerError::OtherMajor { place: format!("image {image}"), wanted: major, version });
    }
    // A published port goes through the engine's proxy. The container's network is faster, where it is reachable.
    let inside =
        container.get_bridge_ip_address().ok().map(|ip| at(&ip.to_string(), PORT).with("connect_timeout", "1"));
    let inside = inside.filter(|address| is_here() && Session::open(address, address.maintenance()).is_ok());
    let address = inside.unwrap_or(address);
    let handle = ServerHandle { address, version, provider: "docker".to_owned(), limits: None, run: None };
    let directory = reaper.directory().to_path_buf();
    let guard = Box::new(ContainerGuard { container, reaper });
    Ok(Server { handle, directory, took: started.elapsed(), guard: Some(guard) })
}

/// The request for a container.
fn request(image: &str, run: &str, password: &str) -> ContainerRequest<GenericImage> {
    // The port of a registry is followed by a slash.
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    };
    let mut command = vec!["postgres".to_owned()];
    for setting in DISPOSABLE {
        command.extend(["-c".to_owned(), (*setting).to_owned()]);
    }
    let owner = format!("{} {}", std::process::id(), crate::installation::sweep::namespace());
    GenericImage::new(name, tag)
        .with_exposed_port(PORT.tcp())
        .with_cmd(command)
        .with_label(RUN_LABEL, run)
        .with_label(OWNER_LABEL, owner)
        .with_container_name(format!("pgproof-{run}"))
        .with_env_var("POSTGRES_PASSWORD", password)
        .with_env_var("POSTGRES_INITDB_ARGS", "--no-sync --locale=C --encoding=UTF8 --wal-segsize=1")
        .with_env_var("PGDATA", "/pgproof/data")
        // Without it, initdb compares every known time zone with the system's.
        .with_env_var("TZ", "UTC")
        .with_startup_timeout(start_deadline())
        .with_host_config_modifier(|host| {
            host.tmpfs = Some([("/pgproof".to_owned(), "rw,mode=1777".to_owned())].into());
            if is_here() {
                // Only this machine can connect, and the password keeps its other users out.
                let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(String::new()) };
                host.publish_all_ports = Some(false);
                // The default network, under the name by which its addresses are looked up.
                host.network_mode = Some("bridge".to_owned());
                host.port_bindings = Some([(format!("{PORT}/tcp"), Some(vec![binding]))].into());
            }
        })
}

/// Whether the engine is on this machine.
fn is_here() -> bool {
    std::env::var("DOCKER_HOST").map_or(true, |host| host.is_empty() || host.starts_with("unix:"))
}

/// Host and port of the server, wherever the engine is.
fn outside(container: &Container<GenericImage>) -> Result<(String, u16), TestcontainersError> {
    let host = container.get_host()?.to_string();
    // The port is open on IPv4, but this name may resolve to IPv6 first.
    let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host };
    Ok((host, container.get_host_port_ipv4(PORT.tcp())?))
}

fn wait_until_ready(
    address: &Address,
    container: &Container<GenericImage>,
    image: &str,
) -> Result<Version, ServerError> {
    let started = Instant::now();
    loop {
        let session = Session::open(address, address.maintenance());
        match session.and_then(|mut session| Version::of(&mut session)) {
            Ok(version) => return Ok(version),
            // 57P03 cannot_connect_now: it is starting up. No SQLSTATE: it does not listen yet.
            Err(error) if error.sqlstate().is_none_or(|code| code == SqlState::CANNOT_CONNECT_NOW.code()) => {}
            Err(source) => {
                let action = format!("open the first session in a container of {image}");
                return Err(ServerError::Rejected { action, source });
            }
        }
        let has_ended = has_ended(container);
        if has_ended || started.elapsed() > start_deadline() {
            return Err(not_ready(image, container, (!has_ended).then(start_deadline)));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn has_ended(container: &Container<GenericImage>) -> bool {
    container.is_running().is_ok_and(|running| !running)
}

fn not_ready(image: &str, container: &Container<GenericImage>, waited: Option<Duration>) -> ServerError {
    ServerError::NotReady { image: image.to_owned(), waited, log: log_of(container.id()) }
}

/// The last lines that a container printed.
fn log_of(id: &str) -> String {
    use futures_util::StreamExt;
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail("40").build();
    let text = with_engine(async move |engine| {
        let mut lines = engine.logs(id, Some(options));
        let mut text = String::new();
        while let Some(Ok(line)) = lines.next().await {
            text.push_str(&line.to_string());
        }
        Ok(text)
    });
    log::tail(&text.unwrap_or_default())
}

fn unavailable(image: &str, source: TestcontainersError) -> ServerError {
    ServerError::Container { image: image.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_for_its_major() {
        assert_eq!(of_major("registry:5000/pg:{major}-bookworm", Some(16)), "registry:5000/pg:16-bookworm");
        assert_eq!(of_major("ours:latest", Some(16)), "ours:latest");
    }
}
