//! Downloaded binaries, from a server on this machine that serves an archive as the real one does: complete, truncated,
//! damaged, or of another version.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use pgproof_server::{Server, ServerChoice, ServerOptions, find_installation};

/// What is served, and what was requested.
#[derive(Default)]
struct Served {
    archive: Vec<u8>,
    sum: String,
    /// How many bytes of an archive are sent before the connection breaks.
    breaks_after: Option<usize>,
    asked: Vec<String>,
}

/// A server of archives.
struct Archives {
    served: Arc<Mutex<Served>>,
    url: String,
}

impl Archives {
    fn serve(archive: Vec<u8>) -> Archives {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let sum = sum(&archive);
        let served = Arc::new(Mutex::new(Served { archive, sum, ..Served::default() }));
        let shared = Arc::clone(&served);
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(&shared, stream)));
        Archives { served, url }
    }

    fn change(&self, change: impl FnOnce(&mut Served)) {
        change(&mut self.served.lock().expect("nobody panicked"));
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.served.lock().expect("nobody panicked").asked)
    }
}

fn answer(served: &Mutex<Served>, mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = headers.iter().find_map(|line| {
        line.to_lowercase().strip_prefix("range: bytes=")?.trim_end_matches('-').parse::<usize>().ok()
    });
    let mut served = served.lock().expect("nobody panicked");
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    served.asked.push(range.map_or_else(|| path.clone(), |from| format!("{path} from {from}")));
    let (status, body) = match range {
        // Whoever replaces an archive offers its checksum too; nobody is to ask for it.
        _ if path.ends_with(".sha256") => ("200 OK", format!("{}  archive\n", sum(&served.archive)).into_bytes()),
        Some(from) if from >= served.archive.len() => ("416 Range Not Satisfiable", Vec::new()),
        Some(from) => ("206 Partial Content", served.archive[from..].to_vec()),
        None => ("200 OK", served.archive.clone()),
    };
    let sent = served.breaks_after.unwrap_or(body.len()).min(body.len());
    // The client may have closed the connection.
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(&body[..sent]);
}

fn sum(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// An archive laid out like the real ones, with the binaries of this machine.
fn archive() -> (u16, Vec<u8>) {
    let installation = find_installation(&ServerOptions { provider: ServerChoice::Local, ..ServerOptions::default() });
    let installation = installation.expect("PostgreSQL's binaries");
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for program in ["postgres", "initdb"] {
        // PostgreSQL finds its files relative to its program, even through a link.
        let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", installation.bin.join(program).display());
        let mut header = tar::Header::new_gnu();
        header.set_size(script.len() as u64);
        header.set_mode(0o755);
        let path = format!("postgresql-x/bin/{program}");
        builder.append_data(&mut header, path, script.as_bytes()).expect("an entry");
    }
    // Large enough to be downloaded in part.
    let filler: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut header = tar::Header::new_gnu();
    header.set_size(filler.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "postgresql-x/filler", filler.as_slice()).expect("an entry");
    let bytes = builder.into_inner().expect("an archive").finish().expect("an archive");
    (installation.version.major, bytes)
}

/// Runs this test program again, with one hidden test that downloads, in its own environment.
fn download(archives: &Archives, cache: &Path, major: u16, more: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "downloads_on_request", "--nocapture"]);
    command.env("PGPROOF_TEST_DOWNLOAD", major.to_string()).env("PGPROOF_CACHE_DIR", cache);
    command.env("PGPROOF_DOWNLOAD_URL", &archives.url).env_remove("CI");
    let expected = archives.served.lock().expect("nobody panicked").sum.clone();
    command.env("PGPROOF_DOWNLOAD_CHECKSUM", expected).envs(more.iter().copied());
    let output = command.output().expect("this program runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Run by `download`; does nothing by itself, because a process has one environment.
#[test]
fn downloads_on_request() {
    let Some(major) = std::env::var("PGPROOF_TEST_DOWNLOAD").ok().and_then(|major| major.parse().ok()) else { return };
    let options = ServerOptions::of(&pgproof_server::ServerConfig::default());
    let options = options.unwrap_or_else(|error| panic!("{}", pgproof_sql::with_causes(&error)));
    let server = Server::start(&ServerOptions { provider: ServerChoice::Download, major: Some(major), ..options });
    match server {
        Ok(server) => println!("started {} ({})", server.version(), server.handle().provider),
        Err(error) => panic!("{}", pgproof_sql::with_causes(&error)),
    }
}

/// A directory for a cache that the account running servers may enter.
fn cache() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("permissions");
    let path = directory.path().join("cache");
    (directory, path)
}

#[test]
fn an_archive_is_downloaded_once_announced_and_verified() {
    let (major, bytes) = archive();
    let archives = Archives::serve(bytes);
    let (_directory, cache) = cache();
    let (passed, text) = download(&archives, &cache, major, &[]);
    assert!(passed && text.contains("(download)"), "{text}");
    assert_eq!(text.matches("downloading http").count(), 1, "{text}");
    assert_eq!(archives.asked().len(), 1, "the archive, and no checksum");
    let (passed, text) = download(&archives, &cache, major, &[]);
    assert!(passed && !text.contains("downloading"), "{text}");
    assert!(archives.asked().is_empty(), "it is in the cache");
    let left: Vec<_> = std::fs::read_dir(&cache).expect("the cache").flatten().map(|entry| entry.file_name()).collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains("part") || name.to_string_lossy().contains("unfinished"))
    );
}

#[test]
fn a_truncated_download_is_resumed() {
    let (major, bytes) = archive();
    let archives = Archives::serve(bytes);
    let (_directory, cache) = cache();
    archives.change(|served| served.breaks_after = Some(100_000));
    let (passed, text) = download(&archives, &cache, major, &[]);
    assert!(
        !passed && text.contains("cannot download http") && text.contains("run again to resume the download"),
        "{text}"
    );
    archives.change(|served| served.breaks_after = None);
    archives.asked();
    let (passed, text) = download(&archives, &cache, major, &[]);
    assert!(passed && text.contains("(resumed)"), "{text}");
    assert!(
        archives.asked().iter().any(|asked| asked.ends_with(" from 100000")),
        "it requested the whole archive again"
    );
}

#[test]
fn a_part_of_another_archive_is_downloaded_again() {
    let (major, bytes) = archive();
    let archives = Archives::serve(bytes);
    let (_directory, cache) = cache();
    archives.change(|served| served.breaks_after = Some(1000));
    assert!(!download(&archives, &cache, major, &[]).0);
    let part = std::fs::read_dir(&cache).expect("the cache").flatten().map(|entry| entry.path());
    let part = part.into_iter().find(|path| path.to_string_lossy().ends_with(".part")).expect("a part");
    std::fs::write(part, vec![0; 5000]).expect("a file");
    archives.change(|served| served.breaks_after = None);
    let (passed, text) = download(&archives, &cache, major, &[]);
    assert!(passed, "{text}");
}

#[test]
fn a_damaged_archive_is_rejected_and_not_kept() {
    let (major, bytes) = archive();
    let archives = Archives::serve(bytes);
    let (_directory, cache) = cache();
    archives.change(|served| served.archive[70_000] ^= 1);
    let (passed, text) = download(&archives, &cache, major, &[]);
    assert!(!passed && text.contains("is damaged: its SHA-256 is "), "{text}");
    archives.change(|served| served.archive[70_000] ^= 1);
    assert!(download(&archives, &cache, major, &[]).0, "the next attempt starts over");
}

#[test]
fn an_archive_is_held_against_the_checksum_that_pgproof_knows() {
    let (_, bytes) = archive();
    let archives = Archives::serve(bytes);
    let (_directory, cache) = cache();
    let (passed, text) = download(&archives, &cache, 18, &[("PGPROOF_DOWNLOAD_CHECKSUM", "")]);
    assert!(
        !passed && text.contains("is damaged: its SHA-256 is ") && text.contains("that of the release is "),
        "{text}"
    );
    assert!(!archives.asked().iter().any(|path| path.contains("sha256")));
    let (passed, text) = download(&archives, &cache, 18, &[("PGPROOF_DOWNLOAD_CHECKSUM", "abc")]);
    assert!(!passed && text.contains("PGPROOF_DOWNLOAD_CHECKSUM accepts the SHA-256 of an archive"), "{text}");
    let (passed, text) = download(&archives, &cache, 18, &[("PGPROOF_DOWNLOAD", "perhaps")]);
    assert!(!passed && text.contains("PGPROOF_DOWNLOAD accepts 1 or 0"), "{text}");
}

#[test]
fn an_archive_of_something_else_is_rejected() {
    let (major, bytes) = archive();
    let archives = Archives::serve(bytes);
    let (_directory, cache) = cache();
    let other = if major == 14 { 16 } else { 14 };
    let (passed, text) = download(&archives, &cache, other, &[]);
    assert!(!passed && text.contains(&format!("is damaged: it contains PostgreSQL {major}.")), "{text}");
    archives.change(|served| {
        served.archive = b"no archive at all".to_vec();
        served.sum = sum(&served.archive);
    });
    let (_other, empty) = self::cache();
    let (passed, text) = download(&archives, &empty, major, &[]);
    assert!(!passed && text.contains("is damaged: "), "{text}");
}

#[test]
fn nothing_is_downloaded_where_downloads_are_disabled() {
    let (major, bytes) = archive();
    let archives = Archives::serve(bytes);
    let (_directory, cache) = cache();
    let disabled = download(&archives, &cache, major, &[("PGPROOF_DOWNLOAD", "0")]);
    assert!(
        !disabled.0
            && disabled.1.contains("cannot download PostgreSQL: downloads are disabled; PGPROOF_DOWNLOAD allows"),
        "{}",
        disabled.1
    );
    let in_ci = download(&archives, &cache, major, &[("CI", "true")]);
    assert!(!in_ci.0 && in_ci.1.contains("cannot download PostgreSQL: downloads are disabled in CI;"), "{}", in_ci.1);
    assert!(archives.asked().is_empty());
    assert!(download(&archives, &cache, major, &[("CI", "true"), ("PGPROOF_DOWNLOAD", "1")]).0);
    let unknown = download(&archives, &cache, 99, &[]);
    assert!(unknown.1.contains("PostgreSQL 99 is not available for download, only 14 to 18"), "{}", unknown.1);
}
