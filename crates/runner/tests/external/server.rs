//! An external server: on a TCP port, with passwords and certificates, started from the binaries on this machine.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use pgproof_server::connection::Address;
use pgproof_server::{DatabaseError, Session};
use pgproof_server::{Installation, Server, ServerChoice, ServerError, ServerOptions, find_installation};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The password of the superuser `postgres`.
pub const PASSWORD: &str = "correct horse";

pub struct ExternalServer {
    server: Child,
    pub directory: PathBuf,
    pub port: u16,
}

impl ExternalServer {
    /// A server that accepts passwords from all users, encrypted or not.
    pub fn new() -> ExternalServer {
        ExternalServer::with("host all all all scram-sha-256")
    }

    /// A server with these lines in its pg_hba.conf.
    pub fn with(hba: &str) -> ExternalServer {
        let installation = find_installation(&ServerOptions::default()).expect("PostgreSQL's binaries");
        let account = geteuid().is_root().then(|| {
            let names = ["postgres", "nobody"];
            names.iter().find_map(|name| User::from_name(name).ok().flatten()).expect("an ordinary user")
        });
        let base = if Path::new("/dev/shm").is_dir() { PathBuf::from("/dev/shm") } else { std::env::temp_dir() };
        let directory = tempfile::Builder::new().prefix("external-").tempdir_in(base).expect("a directory").keep();
        make_certificates(&directory);
        std::fs::write(directory.join("password"), PASSWORD).expect("a file");
        let own = |path: &Path| {
            if let Some(user) = &account {
                std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("root");
            }
        };
        own(&directory);
        for name in ["password", "server.key", "server.crt", "root.crt"] {
            own(&directory.join(name));
        }
        let run = |program: &str| command(&installation, program, account.as_ref());
        let data = directory.join("data");
        let made = run("initdb")
            .args(["--no-sync", "--username=postgres", "--locale=C", "--encoding=UTF8", "--auth=scram-sha-256"])
            .arg("--pwfile")
            .arg(directory.join("password"))
            .arg(&data)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(data.join("pg_hba.conf"), format!("{hba}\n")).expect("a file");
        let file = |name: &str| directory.join(name).display().to_string();
        let start = |port: u16| {
            run("postgres")
                .arg("-D")
                .arg(&data)
                .args(["-p", &port.to_string(), "-c", "listen_addresses=localhost,127.0.0.1", "-c", "fsync=off"])
                .args(["-c", "unix_socket_directories=", "-c", "ssl=on", "-c", "max_connections=40"])
                .args(["-c", &format!("ssl_cert_file={}", file("server.crt"))])
                .args(["-c", &format!("ssl_key_file={}", file("server.key"))])
                .args(["-c", &format!("ssl_ca_file={}", file("root.crt"))])
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(directory.join("log")).expect("a file"))
                .spawn()
                .expect("postgres runs")
        };
        // A port that is free now may be taken by another test a moment later.
        for _ in 0..10 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port").port();
            let mut server = start(port);
            if answers(&mut server, port, &directory) {
                return ExternalServer { server, directory, port };
            }
        }
        panic!("no server: {}", std::fs::read_to_string(directory.join("log")).unwrap_or_default());
    }

    /// Waits until the current session is the only one: a backend lives for a moment after its client has disconnected.
    pub fn is_quiet(&self) {
        let started = Instant::now();
        let mut session = self.session();
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while session.value(others).expect("a value").as_deref() != Some("0") {
            assert!(started.elapsed() < Duration::from_secs(20), "sessions remain");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A connection string for the superuser, with these additional parameters.
    pub fn url(&self, parameters: &str) -> String {
        let password = PASSWORD.replace(' ', "%20");
        format!("postgres://postgres:{password}@127.0.0.1:{}/postgres?{parameters}", self.port)
    }

    /// A session of the superuser.
    pub fn session(&self) -> Session {
        let address = Address::parse(&self.url("")).expect("an address");
        Session::open(&address, "postgres").expect("a session")
    }

    /// The file of a certificate.
    pub fn file(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }
}

/// Waits until a server is ready; false if it exited instead, because its port is in use.
fn answers(server: &mut Child, port: u16, directory: &Path) -> bool {
    let started = Instant::now();
    // Written once it accepts sessions (source, `miscadmin.h`, PM_STATUS_READY).
    let ready = || {
        let file = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap_or_default();
        file.lines().nth(7).is_some_and(|status| status.trim() == "ready")
    };
    while !ready() {
        if server.try_wait().expect("a child").is_some() {
            return false;
        }
        let log = std::fs::read_to_string(directory.join("log")).unwrap_or_default();
        assert!(started.elapsed() < Duration::from_secs(30), "no answer on port {port}: {log}");
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

impl Drop for ExternalServer {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.server.id().try_into().expect("a process id"));
        let _ = kill(pid, Signal::SIGQUIT);
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Starts a run on a server, as `--server` does.
pub fn start_run(url: &str) -> Result<Server, ServerError> {
    Server::start(&ServerOptions { provider: ServerChoice::Url(url.to_owned()), ..ServerOptions::default() })
}

/// The error with all its causes.
pub fn message_of<T>(result: Result<T, ServerError>) -> String {
    pgproof_sql::with_causes(&result.err().expect("no server"))
}

/// A session with the database of a connection string.
pub fn open(url: &str) -> Result<Session, DatabaseError> {
    let address = Address::parse(url)?;
    Session::open(&address, address.maintenance())
}

fn command(installation: &Installation, program: &str, account: Option<&User>) -> Command {
    let mut command = Command::new(installation.bin.join(program));
    command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C").env("TZ", "UTC");
    let lib = installation.bin.with_file_name("lib");
    if lib.join("libpq.so.5").exists() {
        command.env("LD_LIBRARY_PATH", lib);
    }
    if let Some(user) = account {
        command.gid(user.gid.as_raw()).uid(user.uid.as_raw());
    }
    command
}

/// An authority, a server certificate for `localhost` and a client certificate for `reader` signed by it, and another
/// authority that signed nothing.
fn make_certificates(directory: &Path) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
    };
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).expect("a file");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, private).expect("permissions");
    };
    let root = authority("authority");
    write("root.crt", &root.pem());
    write("other.crt", &authority("another").pem());
    for (file, names, common) in
        [("server", vec!["localhost".to_owned()], "localhost"), ("client", Vec::new(), "reader")]
    {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names).expect("parameters");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common);
        write(&format!("{file}.key"), &key.serialize_pem());
        write(&format!("{file}.crt"), &params.signed_by(&key, &root).expect("a certificate").pem());
    }
}
