//! Binaries that are downloaded once into the cache: the archives of github.com/theseus-rs/postgresql-binaries, which
//! the crate postgresql_embedded also uses. `local` starts them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Provider, checksums, local};
use crate::installation::{binaries, cache};
use crate::version::{NEWEST_MAJOR, OLDEST_MAJOR};
use crate::{Installation, Server, ServerError, ServerOptions};

/// The base URL of the archives, overriding GitHub's; below it `VERSION/postgresql-VERSION-TARGET.tar.gz`.
pub const DOWNLOAD_URL_VARIABLE: &str = "PGPROOF_DOWNLOAD_URL";

/// Allows downloads (1) or disables them (0), overriding `server.download` in the configuration.
pub const DOWNLOAD_VARIABLE: &str = "PGPROOF_DOWNLOAD";

/// The SHA-256 of the archive, for a mirror with archives of its own.
pub const CHECKSUM_VARIABLE: &str = "PGPROOF_DOWNLOAD_CHECKSUM";

const USUAL_URL: &str = "https://github.com/theseus-rs/postgresql-binaries/releases/download";

/// The release of each major that is downloaded.
const RELEASES: &[(u16, &str)] = &[(14, "14.23.0"), (15, "15.19.0"), (16, "16.15.0"), (17, "17.11.0"), (18, "18.6.0")];

/// How long connecting, and receiving a response, may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Downloaded binaries.
#[derive(Debug)]
pub(super) struct Download;

impl Provider for Download {
    fn start(&self, options: &ServerOptions) -> Result<Server, ServerError> {
        local::start(&installation(options.major, options.download)?, "download")
    }

    fn majors(&self, _: &ServerOptions) -> Result<Vec<u16>, ServerError> {
        Ok((OLDEST_MAJOR..=NEWEST_MAJOR).collect())
    }

    /// Downloads the binaries if they are not cached.
    fn describe(&self, options: &ServerOptions) -> Result<String, ServerError> {
        super::started(options, self)
    }
}

/// Whether binaries may be downloaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Permission {
    /// Not configured: allowed, except in CI, where nobody reads the notice.
    #[default]
    Unset,
    /// Downloads are allowed.
    Allowed,
    /// Downloads are disabled.
    Forbidden,
}

impl Permission {
    /// The permission set by the environment, else by the configuration.
    pub(crate) fn of(configured: Option<bool>) -> Result<Permission, ServerError> {
        match std::env::var(DOWNLOAD_VARIABLE).ok().as_deref().filter(|value| !value.is_empty()) {
            Some("0" | "false" | "no") => Ok(Permission::Forbidden),
            Some("1" | "true" | "yes") => Ok(Permission::Allowed),
            Some(_) => Err(ServerError::Setting { setting: DOWNLOAD_VARIABLE, expected: "1 or 0" }),
            None => Ok(match configured {
                Some(true) => Permission::Allowed,
                Some(false) => Permission::Forbidden,
                None => Permission::Unset,
            }),
        }
    }

    fn check(self) -> Result<(), ServerError> {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        match self {
            Permission::Forbidden => Err(ServerError::NoDownload { why: "downloads are disabled" }),
            Permission::Unset if in_ci => Err(ServerError::NoDownload { why: "downloads are disabled in CI" }),
            _ => Ok(()),
        }
    }
}

/// The installation of a major (by default the newest) in the cache, downloaded now if it is missing.
pub(crate) fn installation(major: Option<u16>, permission: Permission) -> Result<Installation, ServerError> {
    let major = major.unwrap_or(NEWEST_MAJOR);
    let release = RELEASES.iter().find(|(known, _)| *known == major).map(|(_, release)| *release);
    let release = release.ok_or(ServerError::NoRelease { major })?;
    let target = target().ok_or(ServerError::NoDownload { why: "no archive is available for this system" })?;
    let root = cache::root();
    let name = format!("postgresql-{release}-{target}");
    let entry = root.join(&name);
    let bin = entry.join("bin");
    if let Ok(installation) = binaries::inspect(&bin) {
        return Ok(installation);
    }
    permission.check()?;
    let in_cache = |action, path: &Path| {
        let path = path.to_path_buf();
        move |source| ServerError::Cache { action, path, source }
    };
    let wanted = checksum(&name)?;
    let _lock = cache::lock(&root, &name)?;
    // Another run may have downloaded it meanwhile.
    if let Ok(installation) = binaries::inspect(&bin) {
        return Ok(installation);
    }
    let base = std::env::var(DOWNLOAD_URL_VARIABLE).ok().filter(|url| !url.is_empty());
    let base = base.unwrap_or_else(|| USUAL_URL.to_owned());
    let url = Url(format!("{}/{release}/{name}.tar.gz", base.trim_end_matches('/')));
    let archive = root.join(format!("{name}.tar.gz.part"));
    fetch(&url, &archive, &wanted)?;
    let unfinished = root.join(format!("{name}.unfinished"));
    cache::remove(&unfinished).map_err(in_cache("remove", &unfinished))?;
    cache::remove(&entry).map_err(in_cache("remove", &entry))?;
    let damaged = |problem: String| ServerError::Archive { url: url.to_string(), problem };
    let file = File::open(&archive).map_err(in_cache("open", &archive))?;
    tar::Archive::new(flate2::read::GzDecoder::new(file)).unpack(&unfinished).map_err(|e| damaged(e.to_string()))?;
    let inside = top(&unfinished);
    cache::open_to_all(&inside).map_err(in_cache("change the permissions of", &inside))?;
    let installation = binaries::inspect(&inside.join("bin")).map_err(damaged)?;
    if installation.version.major != major {
        return Err(damaged(format!("it contains PostgreSQL {}", installation.version)));
    }
    fs::rename(&inside, &entry).map_err(in_cache("rename", &inside))?;
    let _ = (cache::remove(&unfinished), fs::remove_file(&archive));
    binaries::inspect(&bin).map_err(damaged)
}

/// Downloads an archive to `path`, resuming an earlier attempt, and verifies its checksum.
fn fetch(url: &Url, path: &Path, wanted: &str) -> Result<(), ServerError> {
    // A partial file of a different archive fails the checksum and is not resumed twice.
    for may_resume in [true, false] {
        let had = if may_resume { path.metadata().map_or(0, |metadata| metadata.len()) } else { 0 };
        // Printed in any program: a download takes a while.
        let how = if had > 0 { " (resumed)" } else { "" };
        let _ = writeln!(io::stderr(), "downloading {url}{how}");
        let received = receive(url, path, had)?;
        if received.sum == wanted {
            return Ok(());
        }
        let removed = fs::remove_file(path);
        removed.map_err(|source| ServerError::Cache { action: "remove", path: path.to_path_buf(), source })?;
        if !received.is_resumed {
            let problem = format!("its SHA-256 is {}, and that of the release is {wanted}", received.sum);
            return Err(ServerError::Archive { url: url.to_string(), problem });
        }
    }
    Err(ServerError::Archive { url: url.to_string(), problem: "its contents keep changing".to_owned() })
}

/// A URL that may contain the password of a mirror, which is not printed.
struct Url(String);

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        write!(f, "{scheme}://{host}/{}", path.split('?').next().unwrap_or_default())
    }
}

/// A received archive.
struct Received {
    sum: String,
    is_resumed: bool,
}

/// Receives an archive, without the first `had` bytes if the server supports ranges.
fn receive(url: &Url, path: &Path, had: u64) -> Result<Received, ServerError> {
    let in_cache = |action| {
        let path = path.to_path_buf();
        move |source| ServerError::Cache { action, path, source }
    };
    let failed = |problem: String| ServerError::Fetch { url: url.to_string(), problem };
    let mut request = agent().get(&url.0);
    if had > 0 {
        request = request.header("Range", format!("bytes={had}-"));
    }
    let mut response = request.call().map_err(|error| failed(error.to_string()))?;
    let is_resumed = match response.status().as_u16() {
        206 => true,
        // Nothing follows the bytes we have: the archive may be complete.
        416 if had > 0 => {
            let sum = sum(path).map_err(in_cache("read"))?;
            return Ok(Received { sum, is_resumed: true });
        }
        200 => false,
        status => return Err(failed(format!("the server responded with {status}"))),
    };
    let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path).map_err(in_cache("write"))?;
    if is_resumed {
        file.seek(io::SeekFrom::Start(had)).map_err(in_cache("write"))?;
    } else {
        file.set_len(0).map_err(in_cache("write"))?;
    }
    let length = response.body().content_length();
    let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
    let mut buffer = vec![0; 64 << 10];
    let mut count = 0;
    loop {
        let read =
            body.read(&mut buffer).map_err(|error| failed(format!("{error}; run again to resume the download")))?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read]).map_err(in_cache("write"))?;
        count += read as u64;
    }
    if length.is_some_and(|length| length != count) {
        return Err(failed(format!("the connection closed after {count} bytes; run again to resume the download")));
    }
    drop(file);
    Ok(Received { sum: sum(path).map_err(in_cache("read"))?, is_resumed })
}

/// The checksum that an archive must have: what the host of an archive says of it proves nothing.
fn checksum(name: &str) -> Result<String, ServerError> {
    if let Some(sum) = std::env::var(CHECKSUM_VARIABLE).ok().filter(|sum| !sum.is_empty()) {
        let sum = sum.trim().to_lowercase();
        let is_sum = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        let expected = "the SHA-256 of an archive, as 64 hexadecimal digits";
        return is_sum.then_some(sum).ok_or(ServerError::Setting { setting: CHECKSUM_VARIABLE, expected });
    }
    checksums::of(name)
        .map(str::to_owned)
        .ok_or(ServerError::NoDownload { why: "the checksum of the archive for this system is not known" })
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_connect(Some(ANSWER_DEADLINE))
        .timeout_recv_response(Some(ANSWER_DEADLINE))
        .timeout_global(Some(Duration::from_mins(10)))
        .http_status_as_error(false)
        .build();
    config.into()
}

fn sum(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}

/// The directory that contains `bin`: archives have a single top-level directory.
fn top(unpacked: &Path) -> PathBuf {
    let inside = fs::read_dir(unpacked).into_iter().flatten().flatten().map(|entry| entry.path());
    inside.into_iter().find(|path| path.join("bin").is_dir()).unwrap_or_else(|| unpacked.to_path_buf())
}

/// The name of this system in archive names.
fn target() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") if cfg!(target_env = "musl") => Some("x86_64-unknown-linux-musl"),
        ("linux", "aarch64") if cfg!(target_env = "musl") => Some("aarch64-unknown-linux-musl"),
        ("linux", "x86_64") => Some("x86_64-unknown-linux-gnu"),
        ("linux", "aarch64") => Some("aarch64-unknown-linux-gnu"),
        ("macos", "x86_64") => Some("x86_64-apple-darwin"),
        ("macos", "aarch64") => Some("aarch64-apple-darwin"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_has_its_checksums() {
        for (_, release) in RELEASES {
            for target in
                ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "aarch64-apple-darwin"]
            {
                let sum = checksums::of(&format!("postgresql-{release}-{target}")).expect("a checksum");
                assert!(sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()));
            }
        }
    }

    #[test]
    fn the_password_of_a_mirror_is_not_shown() {
        let url = Url("https://ci:hush@mirror.example.com/pg/x.tar.gz?token=hush".to_owned());
        assert_eq!(url.to_string(), "https://mirror.example.com/pg/x.tar.gz");
    }
}
