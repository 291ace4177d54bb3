//! The password of a database in use: in no output, argument list or environment of a child, or file that remains.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::external::{ExternalServer, PASSWORD};
use crate::project::{Ended, Project};

/// A project whose database is on a server with TLS and passwords, and large enough to be looked at while it is dumped.
struct Secret {
    server: ExternalServer,
    project: Project,
}

impl Secret {
    fn with(rows: u32) -> Secret {
        let server = ExternalServer::with("hostssl all all all scram-sha-256");
        let project = Project::new();
        project.append("pgproof.toml", "\n[databases.live]\nvariable = \"LIVE_URL\"\n");
        std::fs::create_dir(project.path("tmp")).expect("a directory");
        let mut session = server.session();
        session.run("CREATE DATABASE shop").expect("a database");
        let address = pgproof_server::connection::Address::parse(&server.url("")).expect("an address");
        let mut shop = pgproof_server::Session::open(&address, "shop").expect("a session");
        let rows = format!(
            "CREATE TABLE large AS SELECT i, (SELECT string_agg(md5((i * 1000 + k)::text), '') FROM generate_series(1, 1000) AS k) AS t FROM generate_series(1, {rows}) AS i"
        );
        shop.run(&rows).expect("rows");
        Secret { server, project }
    }

    /// A command with the connection string in its environment, as an operator would have it.
    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let url = self.server.url("sslmode=verify-full&sslrootcert=").replace("/postgres?", "/shop?")
            + &self.server.file("root.crt");
        let mut command = self.project.pgproof(arguments);
        command.env("LIVE_URL", url.replace("127.0.0.1", "localhost")).env("TMPDIR", self.project.path("tmp"));
        command
    }

    /// Runs a command and looks at its descendants meanwhile. Returns how it ended and the programs that were seen.
    fn run(&self, arguments: &[&str]) -> (Ended, BTreeSet<String>) {
        let child =
            self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("pgproof runs");
        let pid = child.id();
        let has_ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| {
                let mut seen = BTreeSet::new();
                while !has_ended.load(Ordering::Relaxed) {
                    look(pid, &mut seen);
                    std::thread::sleep(Duration::from_millis(10));
                }
                seen
            });
            let output = child.wait_with_output().expect("it ends");
            has_ended.store(true, Ordering::Relaxed);
            (Ended::of(&output), looking.join().expect("no password was seen"))
        })
    }
}

/// Demands that no descendant of a process shows the password, and notes their programs.
fn look(pid: u32, seen: &mut BTreeSet<String>) {
    for child in children_of(pid) {
        let read = |what: &str| {
            let bytes = std::fs::read(format!("/proc/{child}/{what}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        // The process itself for an instant after the fork: it has not become another program yet.
        let program = std::fs::read_link(format!("/proc/{child}/exe")).unwrap_or_default();
        if program != Path::new(env!("CARGO_BIN_EXE_pgproof")) {
            seen.insert(program.file_name().unwrap_or_default().to_string_lossy().into_owned());
            for what in ["cmdline", "environ"] {
                let text = read(what);
                assert!(!shows(&text), "{what} of {}: {text}", program.display());
            }
        }
        look(child, seen);
    }
}

fn children_of(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Whether a text has the password, as it is or as part of a URI.
fn shows(text: &str) -> bool {
    text.contains(PASSWORD) || text.contains(&PASSWORD.replace(' ', "%20"))
}

/// The files below a directory that show the password, and all others.
fn files(directory: &Path, found: &mut Vec<(String, bool)>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            found.push((entry.path().display().to_string(), shows(&String::from_utf8_lossy(&bytes))));
        }
    }
}

#[test]
fn a_password_is_shown_nowhere() {
    let secret = Secret::with(400);
    let commands: [&[&str]; 3] = [
        &["backup", "--database", "live", "--output", "saved.dump"],
        &["restore-drill", "--database", "live"],
        &["restore", "--file", "saved.dump", "--database", "live", "--confirm", "live"],
    ];
    for (arguments, program) in commands.into_iter().zip(["pg_dump", "pg_dump", "pg_restore"]) {
        let (ended, seen) = secret.run(arguments);
        ended.demand(0, &[]);
        assert!(!shows(&ended.stdout) && !shows(&ended.stderr), "{ended:?}");
        assert!(seen.contains(program), "{seen:?}");
    }
    let mut found = Vec::new();
    files(&secret.project.path(""), &mut found);
    assert!(found.iter().any(|(file, _)| file.ends_with("saved.dump.json")), "{found:?}");
    assert!(found.iter().all(|(_, shows)| !shows), "{found:?}");
    assert_eq!(std::fs::read_dir(secret.project.path("tmp")).expect("a directory").count(), 0);
}

#[test]
fn a_backup_that_is_killed_leaves_nothing() {
    let secret = Secret::with(1500);
    let arguments = ["backup", "--database", "live", "--output", "saved.dump"];
    let mut child =
        secret.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pgproof runs");
    let started = Instant::now();
    let mut seen = BTreeSet::new();
    let unfinished = || {
        let names = std::fs::read_dir(secret.project.path("")).expect("a directory").flatten();
        names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains("saved"))
            .collect::<Vec<_>>()
    };
    while !seen.contains("pg_dump") || unfinished().is_empty() {
        look(child.id(), &mut seen);
        assert!(started.elapsed() < Duration::from_secs(30), "pg_dump was not seen: {seen:?}");
    }
    let [name] = unfinished().try_into().expect("one file");
    assert!(name.starts_with(".saved.dump.unfinished-"), "{name}");
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let tmp = || std::fs::read_dir(secret.project.path("tmp")).expect("a directory").count();
    while !unfinished().is_empty() || tmp() > 0 {
        assert!(started.elapsed() < Duration::from_mins(1), "{:?} and {} in tmp remain", unfinished(), tmp());
        std::thread::sleep(Duration::from_millis(20));
    }
    secret.server.is_quiet();
}
