//! The main job with downloaded binaries: a server on this machine offers an archive as the real one does, and nothing
//! else is at hand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::majors;
use super::process::{CiError, verdict};
use pgproof_cli::say;

/// What a client may be silent, and a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is served, by path.
type Served = BTreeMap<String, Vec<u8>>;

/// Verifies with the newest release, downloaded from this process.
pub(super) fn verify(directory: &Path) -> Result<(), CiError> {
    let Some(archive) = majors::archive(directory, majors::newest()) else {
        let _ = say(format_args!("left out: there is no archive of {} to serve\n", majors::newest()));
        return Ok(());
    };
    let file = |path: &Path, source| CiError::File { path: path.to_path_buf(), source };
    let bytes = std::fs::read(&archive).map_err(|source| file(&archive, source))?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let url =
        serve(offered(&name, bytes)).map_err(|source| CiError::Start { command: "a server".to_owned(), source })?;
    // Not root's own: another account runs the server.
    let cache = directory.join("cache");
    std::fs::create_dir_all(&cache).map_err(|source| file(&cache, source))?;
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&cache, permissions).map_err(|source| file(&cache, source))?;
    let major = majors::newest().split('.').next().unwrap_or_default();
    let mut verify = super::process::verify(&["--pg", major])?;
    verify.env("DOCKER_HOST", "unix:///nowhere").env("PGPROOF_DOWNLOAD", "1");
    verdict(verify.env("PGPROOF_DOWNLOAD_URL", url).env("PGPROOF_CACHE_DIR", cache))
}

/// An archive, below the release that its name holds: `postgresql-18.6.0-x86_64-unknown-linux-gnu.tar.gz`.
fn offered(name: &str, archive: Vec<u8>) -> Served {
    let release = name.split('-').nth(1).unwrap_or_default();
    BTreeMap::from([(format!("/{release}/{name}"), archive)])
}

/// Serves until the process ends, and returns the address.
fn serve(served: Served) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let served = Arc::new(served);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let served = Arc::clone(&served);
            // A client that goes away is its own affair.
            std::thread::spawn(move || answer(&served, &stream));
        }
    });
    Ok(url)
}

/// Answers one request with a file, or with 404.
fn answer(served: &Served, mut stream: &TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let path = request.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let (status, body) = match served.get(path) {
        Some(body) => ("200 OK", body.as_slice()),
        None => ("404 Not Found", &b""[..]),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn get(url: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn an_archive_is_served_below_its_release() {
        let url = serve(offered("postgresql-18.6.0-x.tar.gz", b"abc".to_vec())).unwrap();
        assert!(get(&url, "/18.6.0/postgresql-18.6.0-x.tar.gz").ends_with("\r\n\r\nabc"));
        assert!(get(&url, "/18.6.0").starts_with("HTTP/1.1 404 "));
    }
}
