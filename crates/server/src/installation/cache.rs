//! The cache: data directories, created by `initdb` once per version and settings, and copied by every run. An entry is
//! whole or not there; running `initdb` is the job of `initdb`.

use std::fs::{self, File, Permissions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Installation;
use crate::ServerError;
use crate::installation::account::Account;
use crate::installation::initdb;

/// Names the directory of the cache.
pub const CACHE_VARIABLE: &str = "PGPROOF_CACHE_DIR";

/// What an entry's data directory is called while it is created, or removed.
const UNFINISHED: &str = "unfinished";

/// How long another run may take to create an entry: it may have to download.
const LOCK_DEADLINE: Duration = Duration::from_mins(15);

/// How long to wait before trying again.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A cleanly shut down data directory in the cache.
#[derive(Debug)]
pub(crate) struct Cached {
    pub data: PathBuf,
    /// Tells it from one that replaces it.
    inode: u64,
}

/// The data directory of this installation, created now if necessary.
pub(crate) fn data_directory(installation: &Installation, account: Option<Account>) -> Result<Cached, ServerError> {
    let (root, key) = (root(), key(installation));
    let entry = root.join(&key);
    if let Some(cached) = complete(&entry) {
        return Ok(cached);
    }
    let lock = lock(&root, &key)?;
    if let Some(cached) = complete(&entry) {
        return Ok(cached);
    }
    create_open(&entry).map_err(failed("create", &entry))?;
    if let Some(Account { uid, gid }) = account {
        std::os::unix::fs::chown(&entry, Some(uid), Some(gid)).map_err(failed("change the owner of", &entry))?;
    }
    initdb::run(installation, &entry, &lock, account)?;
    complete(&entry).ok_or_else(|| failed("find a data directory in", &entry)(std::io::ErrorKind::NotFound.into()))
}

/// Removes a data directory that turned out to be damaged, if no other run has replaced it.
pub(crate) fn forget(cached: &Cached) -> Result<(), ServerError> {
    let Some(entry) = cached.data.parent() else { return Ok(()) };
    let (Some(root), Some(key)) = (entry.parent(), entry.file_name()) else { return Ok(()) };
    let _lock = lock(root, &key.to_string_lossy())?;
    if complete(entry).is_none_or(|present| present.inode != cached.inode) {
        return Ok(());
    }
    // In one step: half of it must not be taken for a data directory.
    let unfinished = entry.join(UNFINISHED);
    remove(&unfinished).map_err(failed("remove", &unfinished))?;
    fs::rename(&cached.data, &unfinished).map_err(failed("rename", &cached.data))?;
    remove(&unfinished).map_err(failed("remove", &unfinished))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ServerError + use<> {
    let path = path.to_path_buf();
    move |source| ServerError::Cache { action, path, source }
}

/// Locks an entry by a file beside it: the entry belongs to the account that runs servers, which could put a link in its
/// place. It is never removed, because others may wait for it. Another run that is creating the entry holds the lock until
/// it is done.
pub(crate) fn lock(root: &Path, key: &str) -> Result<File, ServerError> {
    let path = root.join(format!("{key}.lock"));
    create_open(root).map_err(failed("create", root))?;
    let lock = File::create(&path).map_err(failed("create", &path))?;
    let started = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_DEADLINE => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                let error =
                    std::io::Error::new(std::io::ErrorKind::TimedOut, "another process has held the lock for too long");
                return Err(failed("lock", &path)(error));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
    }
}

/// The directory of the cache. For root it is outside the home directory, which the unprivileged account cannot enter.
pub(crate) fn root() -> PathBuf {
    // Servers run in another directory, so a relative path would mean another place there.
    if let Some(set) = std::env::var_os(CACHE_VARIABLE).filter(|set| !set.is_empty()) {
        let set = PathBuf::from(set);
        return std::path::absolute(&set).unwrap_or(set);
    }
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/cache/pgproof");
    }
    let absolute = |variable| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    // A relative path there is invalid (XDG Base Directory Specification).
    let base = match (absolute("XDG_CACHE_HOME"), absolute("HOME")) {
        (Some(cache), _) => cache,
        (None, Some(home)) if cfg!(target_os = "macos") => home.join("Library/Caches"),
        (None, Some(home)) => home.join(".cache"),
        (None, None) => std::env::temp_dir().join(format!("cache-{}", nix::unistd::geteuid())),
    };
    base.join("pgproof")
}

fn key(installation: &Installation) -> String {
    let mut hasher = DefaultHasher::new();
    (initdb::ARGUMENTS, &installation.bin).hash(&mut hasher);
    format!("data-{}-{:016x}", installation.version, hasher.finish())
}

/// The data directory of an entry. It is renamed into place as a whole, but may have been emptied later.
fn complete(entry: &Path) -> Option<Cached> {
    let data = entry.join("data");
    let is_complete = data.join("PG_VERSION").is_file() && data.join("global/pg_control").is_file();
    let inode = is_complete.then(|| data.metadata().ok()).flatten()?.ino();
    Some(Cached { data, inode })
}

/// Creates a directory and those above it, so that the account that runs servers may enter them whatever the umask.
fn create_open(directory: &Path) -> std::io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(above) = directory.parent() {
        create_open(above)?;
    }
    match fs::create_dir(directory) {
        Ok(()) => fs::set_permissions(directory, Permissions::from_mode(0o755)),
        // Another run was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lets every account read what is below a directory, and run what its owner may run, whatever the umask was.
pub(crate) fn open_to_all(path: &Path) -> std::io::Result<()> {
    let metadata = path.symlink_metadata()?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = metadata.permissions().mode();
    let run = if metadata.is_dir() || mode & 0o100 != 0 { 0o111 } else { 0 };
    fs::set_permissions(path, Permissions::from_mode(mode | 0o444 | run))?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            open_to_all(&entry?.path())?;
        }
    }
    Ok(())
}

/// Removes a directory, if there is one.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
