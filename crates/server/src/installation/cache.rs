//! Data directories created by `initdb`, once per version and settings, and copied by every run.

use std::fs::{self, File, Permissions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Installation;
use crate::ServerError;
use crate::installation::account::Account;
use crate::installation::account::run_as;

/// Names the directory of the cache.
pub const CACHE_VARIABLE: &str = "PGPROOF_CACHE_DIR";

/// How long another run may take to create an entry: it may have to download.
const LOCK_DEADLINE: Duration = Duration::from_mins(15);

/// How long to wait before trying again.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The arguments of `initdb`. Every machine has the C locale; a small WAL segment makes a small copy.
const INITDB_ARGUMENTS: &[&str] = &[
    "--no-sync",
    "--no-instructions",
    "--locale=C",
    "--encoding=UTF8",
    "--wal-segsize=1",
    "--auth=trust", // only the owner can enter the socket's directory
    "--username=postgres",
];

/// The path of a cleanly shut down data directory of this installation, created now if necessary.
pub(crate) fn data_directory(installation: &Installation, account: Option<Account>) -> Result<PathBuf, ServerError> {
    let root = root();
    let key = key(installation);
    let entry = root.join(&key);
    let data = entry.join("data");
    if is_complete(&data) {
        return Ok(data);
    }
    let failed = |action, path: &Path| {
        let path = path.to_path_buf();
        move |source| ServerError::Cache { action, path, source }
    };
    let _lock = lock(&root, &key)?;
    if is_complete(&data) {
        return Ok(data);
    }
    let unfinished = root.join(format!("{key}.unfinished"));
    remove(&unfinished).map_err(failed("remove", &unfinished))?;
    remove(&entry).map_err(failed("remove", &entry))?;
    fs::create_dir(&unfinished).map_err(failed("create", &unfinished))?;
    if let Some(Account { uid, gid }) = account {
        std::os::unix::fs::chown(&unfinished, Some(uid), Some(gid))
            .map_err(failed("change the owner of", &unfinished))?;
    }
    initdb(installation, &unfinished.join("data"), account)?;
    fs::rename(&unfinished, &entry).map_err(failed("rename", &unfinished))?;
    Ok(data)
}

/// Removes an entry that turned out to be damaged.
pub(crate) fn forget(data: &Path) -> Result<(), ServerError> {
    let entry = data.parent().unwrap_or(data);
    remove(entry).map_err(|source| ServerError::Cache { action: "remove", path: entry.to_path_buf(), source })
}

/// Locks an entry of the cache. Another run that is creating it holds the lock until it is done.
pub(crate) fn lock(root: &Path, key: &str) -> Result<File, ServerError> {
    let path = root.join(format!("{key}.lock"));
    let failed = |action, path: &Path| {
        let path = path.to_path_buf();
        move |source| ServerError::Cache { action, path, source }
    };
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
    (INITDB_ARGUMENTS, &installation.bin).hash(&mut hasher);
    format!("data-{}-{:016x}", installation.version, hasher.finish())
}

/// Whether an entry is complete. Entries are renamed into place as a whole, but may have been emptied later.
fn is_complete(data: &Path) -> bool {
    data.join("PG_VERSION").is_file() && data.join("global/pg_control").is_file()
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

fn initdb(installation: &Installation, data: &Path, account: Option<Account>) -> Result<(), ServerError> {
    let initdb = installation.bin.join("initdb");
    let mut command = installation.command(&initdb);
    command.args(INITDB_ARGUMENTS).arg("-D").arg(data).env("LC_ALL", "C").env("TZ", "UTC");
    run_as(&mut command, account);
    let output = command.output().map_err(|source| ServerError::Spawn { program: initdb.clone(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(ServerError::Initdb { initdb, status: output.status, output: String::from_utf8_lossy(&text).into_owned() })
}
