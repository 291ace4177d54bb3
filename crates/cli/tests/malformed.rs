//! The corpus of malformed inputs in `fixtures/malformed`: each ends with one clear message and the exit code beside it,
//! without a panic, without a wait, and never as if something had been proven. Inputs that are large are made here.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// A command that takes longer than this waits for something that does not come.
const DEADLINE: Duration = Duration::from_mins(2);

/// The longest that a message may be: a screen.
const SCREEN: usize = 4000;

/// One malformed input.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The text.
    #[serde(default)]
    input: String,
    /// What is not text, in hexadecimal digits.
    bytes: Option<String>,
    /// The arguments of a command.
    #[serde(default)]
    arguments: Vec<String>,
    /// The environment of a command.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// The exit code.
    code: i32,
    /// The beginning of the error, or a part of the findings.
    message: String,
}

#[derive(Deserialize)]
struct Corpus {
    case: Vec<Case>,
}

const SCHEMA: &str = "[schemas.shop]\nmigrations = \"sql\"\nsuite = { package = \"shop\", test = \"shop\" }\n";

const PLANS: &str = "[schemas.shop.plans]\nqueries = \"queries\"\nsnapshots = \"plans\"\nrows = 2\n";

impl Case {
    fn content(&self) -> Vec<u8> {
        let digits = |at: usize, hex: &str| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits");
        match &self.bytes {
            Some(hex) => (0..hex.len()).step_by(2).map(|at| digits(at, hex)).collect(),
            None => self.input.clone().into_bytes(),
        }
    }

    fn large(input: String, code: i32, message: &str) -> Case {
        Case { input, code, message: message.to_owned(), ..Case::default() }
    }
}

fn corpus(name: &str) -> Vec<Case> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/malformed").join(name);
    let text = std::fs::read_to_string(&file).expect("the corpus");
    toml::from_str::<Corpus>(&text).expect("cases").case
}

fn write(directory: &Path, file: &str, content: &[u8]) {
    let path = directory.join(file);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    std::fs::write(path, content).expect("a file");
}

/// Runs a command and ends it after the deadline.
fn run(directory: &Path, arguments: &[&str], environment: &BTreeMap<String, String>) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgproof"));
    command.args(arguments).current_dir(directory);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") || name == "CI" {
            command.env_remove(name);
        }
    }
    // The cache and the binaries that the other tests use too.
    for name in ["PGPROOF_CACHE_DIR", "PGPROOF_BIN"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.envs(environment).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("pgproof runs");
    let read = |stream: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.map(|mut stream| stream.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let stdout = read(child.stdout.take().map(|stream| Box::new(stream) as Box<_>));
    let stderr = read(child.stderr.take().map(|stream| Box::new(stream) as Box<_>));
    let started = Instant::now();
    let status = loop {
        match child.try_wait().expect("a process") {
            Some(status) => break Some(status),
            None if started.elapsed() > DEADLINE => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let (stdout, stderr) = (stdout.join().expect("its output"), stderr.join().expect("its output"));
    (status.and_then(|status| status.code()), stdout, stderr)
}

/// What is wrong with how a case ended.
fn problem(case: &Case, (code, stdout, stderr): &(Option<i32>, String, String)) -> Option<String> {
    let error = stderr.lines().position(|line| line.starts_with("error: "));
    let error: Vec<&str> = stderr.lines().skip(error.unwrap_or(0)).collect();
    let error = error.join("\n");
    let is_said = if *code == Some(2) {
        error.trim_start_matches("error: ").starts_with(&case.message)
    } else {
        stdout.contains(&case.message)
    };
    let is_short = stdout.len() + stderr.len() < SCREEN;
    let is_right =
        *code == Some(case.code) && is_said && is_short && !stderr.contains("panicked") && !case.message.is_empty();
    let input: String = case.input.chars().take(80).collect();
    (!is_right).then(|| {
        let output: String = format!("{stdout}{stderr}").chars().take(400).collect();
        format!(
            "{input:?} {:?} {:?}\nended with {code:?}, not {}: {:?}\n{output}",
            case.bytes, case.arguments, case.code, case.message
        )
    })
}

/// Runs every case, two at a time, and demands that all end as they should.
fn demand(cases: &[Case], least: usize, end: impl Fn(&Path, &Case) -> (Option<i32>, String, String) + Sync) {
    assert!(cases.len() >= least, "{} cases", cases.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut problems = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let directory = tempfile::tempdir().expect("a directory");
            problems.extend(problem(case, &end(directory.path(), case)));
        }
        problems
    };
    let problems = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut problems = work();
        problems.extend(other.join().expect("no panic"));
        problems
    });
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[test]
fn configurations() {
    let mut cases = corpus("configurations.toml");
    let malformed = "pgproof.toml is malformed: ";
    cases.push(Case::large(format!("x = {}", "[".repeat(100_000)), 2, malformed));
    cases.push(Case::large(format!("x = {}", "{a=".repeat(100_000)), 2, malformed));
    cases.push(Case::large(format!("a{} = 1", ".a".repeat(100_000)), 2, malformed));
    cases.push(Case::large(format!("{SCHEMA}migratons = \"{}\"", "x".repeat(1 << 20)), 2, malformed));
    cases.push(Case::large(format!("[schemas.\"{}\"]\n{}", "x y".repeat(100_000), &SCHEMA[15..]), 2, malformed));
    cases.push(Case::large("x".repeat(1 << 20), 2, malformed));
    demand(&cases, 85, |directory, case| {
        write(directory, "pgproof.toml", &case.content());
        run(directory, &["--config", "pgproof.toml", "plan", "shop"], &case.environment)
    });
}

#[test]
fn migrations() {
    let mut cases = corpus("migrations.toml");
    let nested = format!("SELECT {}1{};", "(".repeat(20_000), ")".repeat(20_000));
    let terms = format!("SELECT 1{};", " + 1".repeat(100_000));
    cases.push(Case::large(nested, 1, "SELECT failed with "));
    cases.push(Case::large(terms, 1, "SELECT failed with 54001 statement_too_complex"));
    cases.push(Case::large(format!("SELECT '{}", "x".repeat(1 << 20)), 2, "1_a.sql:1:8: the string that begins here"));
    cases.push(Case::large(format!("SELECT '{}'::int;", "x".repeat(1 << 20)), 1, "SELECT failed with 22P02"));
    cases.push(Case::large(format!("SELECT {};", "x".repeat(1 << 20)), 1, "SELECT failed with 42703"));
    cases.push(Case::large(
        format!("\\i {}", "x".repeat(1 << 20)),
        2,
        "1_a.sql:1:1: psql's \\i is not understood: cannot read",
    ));
    cases.push(Case::large(format!("\\{}", "x".repeat(1 << 20)), 2, "1_a.sql:1:1: psql's \\xxx"));
    let doubled = format!("\\set x 'aaaaaaaa'\n{}SELECT :x;\n", "\\set x :x:x\n".repeat(60));
    cases.push(Case::large(doubled, 2, "1_a.sql:18:1: psql's \\set is not understood: its arguments are longer"));
    demand(&cases, 120, |directory, case| {
        write(directory, "m/1_a.sql", &case.content());
        run(directory, &["audit", "m", "--apply-only"], &case.environment)
    });
}

#[test]
fn queries() {
    demand(&corpus("queries.toml"), 35, |directory, case| {
        write(directory, "pgproof.toml", format!("{SCHEMA}{PLANS}").as_bytes());
        write(directory, "sql/1_a.sql", b"CREATE TABLE t (a int);");
        write(directory, "queries/a.sql", &case.content());
        run(directory, &["--config", "pgproof.toml", "plan", "shop"], &case.environment)
    });
}

#[test]
fn connection_strings() {
    let mut cases = corpus("connections.toml");
    let unusable = "the external server cannot be used";
    cases.push(Case::large(format!("postgres://{}:x/y", "a".repeat(50_000)), 2, unusable));
    cases.push(Case::large(format!("host={} port=y", "b".repeat(50_000)), 2, unusable));
    cases.push(Case::large(format!("{}=x", "c".repeat(50_000)), 2, unusable));
    demand(&cases, 75, |directory, case| {
        write(directory, "m/1_a.sql", b"SELECT 1;");
        let environment = BTreeMap::from([("PGPROOF_SERVER".to_owned(), case.input.clone())]);
        let ended = run(directory, &["audit", "m", "--apply-only"], &environment);
        // What is a password in the corpus.
        assert!(!ended.1.contains("hush") && !ended.2.contains("hush"), "{}\n{}{}", case.input, ended.1, ended.2);
        ended
    });
}

#[test]
fn commands() {
    demand(&corpus("commands.toml"), 40, |directory, case| {
        write(directory, "pgproof.toml", format!("{SCHEMA}{PLANS}").as_bytes());
        write(directory, "sql/1_a.sql", b"CREATE TABLE t (a int);");
        write(directory, "queries/a.sql", b"SELECT * FROM t");
        write(directory, "bad.json", b"{");
        write(directory, "empty", b"");
        let arguments: Vec<&str> = case.arguments.iter().map(String::as_str).collect();
        run(directory, &arguments, &case.environment)
    });
}

/// Files that no corpus can hold.
#[test]
fn what_is_not_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let fifo = |file: &str| {
        let path: PathBuf = directory.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    };
    write(directory.path(), "pgproof.toml", format!("{SCHEMA}{PLANS}").as_bytes());
    fifo("sql/1_a.sql");
    fifo("fifo.toml");
    fifo("queries/a.sql");
    fifo("order/1_a.sql");
    fifo("list");
    write(directory.path(), "included/1_a.sql", b"\\i /dev/zero\n");
    for (arguments, message) in [
        (vec!["audit", "sql"], "cannot read 1_a.sql\n  because: it is a FIFO, not a file"),
        (vec!["--config", "pgproof.toml", "verify"], "cannot read sql/1_a.sql\n  because: it is a FIFO, not a file"),
        (
            vec!["--config", "pgproof.toml", "plan", "shop"],
            "cannot read queries/a.sql\n  because: it is a FIFO, not a file",
        ),
        (vec!["--config", "fifo.toml", "verify"], "cannot read fifo.toml\n  because: it is a FIFO, not a file"),
        (vec!["--config", "/dev/zero", "verify"], "cannot read /dev/zero\n  because: it is a device, not a file"),
        (vec!["--config", ".", "verify"], "cannot read .\n  because: it is a directory, not a file"),
        (vec!["audit", "included", "--order", "list"], "cannot read list\n  because: it is a FIFO, not a file"),
        (vec!["audit", "included"], "1_a.sql:1:1: psql's \\i is not understood: /dev/zero is outside"),
        (vec!["audit", "/dev/zero"], "cannot read zero\n  because: it is a device, not a file"),
        (vec!["audit", "fifo.toml"], "cannot read fifo.toml\n  because: it is a FIFO, not a file"),
        (vec!["report", "--merge", "fifo.toml"], "cannot read fifo.toml\n  because: it is a FIFO, not a file"),
    ] {
        let case = Case {
            arguments: arguments.iter().map(ToString::to_string).collect(),
            code: 2,
            message: message.to_owned(),
            ..Case::default()
        };
        let ended = run(directory.path(), &arguments, &BTreeMap::new());
        assert_eq!(problem(&case, &ended), None);
    }
}
