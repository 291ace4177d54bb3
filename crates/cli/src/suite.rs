//! Suites as cargo test targets: building them, and listing and running their tests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, bail};
use pgproof_report::TestRun;
use pgproof_runner::{Config, Schema};
use pgproof_runner::{config::CONFIG_VARIABLE, config::WITH_VARIABLE};
use pgproof_runner::{process::GUEST_VARIABLE, process::RUN_VARIABLE, process::RunContext, process::WHOLE_VARIABLE};
use pgproof_server::{Server, without_secrets};
use serde::Deserialize;

/// A built test binary.
#[derive(Debug, Clone)]
pub(crate) struct Binary {
    pub(crate) executable: PathBuf,
    /// The directory of the package, in which cargo would run it.
    pub(crate) directory: PathBuf,
}

/// The tests of a suite to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All of them.
    All,
    /// Those whose name contains this.
    Containing(String),
    /// These.
    Named(Vec<String>),
}

/// A line of `cargo test --message-format=json`, with the fields used here (the Cargo book, "External Tools").
#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    manifest_path: Option<PathBuf>,
    executable: Option<PathBuf>,
    #[serde(rename = "message")]
    diagnostic: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Diagnostic {
    rendered: Option<String>,
}

/// Variables with which a suite's tests pass whatever they find, or their results are not printed line by line.
const MISLEADING: [&str; 2] = ["INSTA_FORCE_PASS", "RUST_TEST_NOCAPTURE"];

/// How many tests run at once, each in its own clone: libtest runs one per core.
pub(crate) fn at_once() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// The environment of a suite's process: the configuration, the server, and whether all its tests run.
pub(crate) fn environment(
    config: &Config,
    server: &Server,
    run_context: &RunContext,
    selection: &Selection,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let run = run_context.write(server).context("cannot write the description of the run for the suite")?;
    Ok(environment_with(config, &run, selection))
}

/// The same with a description of the run that was written to this file.
pub(crate) fn environment_with(config: &Config, run: &Path, selection: &Selection) -> Vec<(&'static str, String)> {
    let mut environment = vec![
        (CONFIG_VARIABLE, config.file.display().to_string()),
        (RUN_VARIABLE, run.display().to_string()),
        (WITH_VARIABLE, config.with.join(",")),
        // A backtrace of the test harness is of no use here.
        ("RUST_BACKTRACE", "0".to_owned()),
    ];
    if *selection == Selection::All {
        environment.push((WHOLE_VARIABLE, "1".to_owned()));
    }
    environment
}

/// The version of cargo, or why it cannot be run.
pub(crate) fn cargo_version() -> Result<String, String> {
    let output = without_secrets(&mut Command::new(cargo())).arg("--version").output();
    let output = output.map_err(|error| {
        let cargo = cargo();
        format!("cannot run {}: {error}; install Rust (https://rustup.rs), and unset CARGO", cargo.display())
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().trim_start_matches("cargo ").to_owned())
}

/// The program that builds suites: the cargo that runs an xtask names itself.
fn cargo() -> PathBuf {
    std::env::var_os("CARGO").filter(|cargo| !cargo.is_empty()).map_or_else(|| "cargo".into(), PathBuf::from)
}

/// Builds the suites of these schemas: a binary for each, by schema.
pub(crate) fn build(config: &Config, schemas: &[Schema]) -> anyhow::Result<BTreeMap<String, Binary>> {
    // One call per package: tests of two packages may have the same name.
    let mut by_package: BTreeMap<(Option<PathBuf>, &str), Vec<&Schema>> = BTreeMap::new();
    for schema in schemas {
        let manifest = schema.suite.manifest.as_ref().map(|manifest| config.path(manifest));
        by_package.entry((manifest, &schema.suite.package)).or_default().push(schema);
    }
    let mut binaries = BTreeMap::new();
    for ((manifest, _), schemas) in by_package {
        binaries.extend(build_in(&config.root, manifest.as_deref(), &schemas)?);
    }
    Ok(binaries)
}

/// Builds the suites of one package.
fn build_in(root: &Path, manifest: Option<&Path>, schemas: &[&Schema]) -> anyhow::Result<BTreeMap<String, Binary>> {
    let mut command = Command::new(cargo());
    without_secrets(&mut command).current_dir(root).args([
        "test",
        "--no-run",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]);
    // The variables that `cargo run` sets for an xtask's own package are wrong for the suites, and build scripts that
    // depend on them would run again each time.
    for (name, _) in std::env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if of_package.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    if let Some(manifest) = manifest {
        command.arg("--manifest-path").arg(manifest);
    }
    for schema in schemas {
        command.args(["--package", &schema.suite.package, "--test", &schema.suite.test]);
    }
    let built = built(command)?;
    let messages = built.messages;
    if !built.status.success() {
        let diagnostics: String =
            messages.iter().filter_map(|m| m.diagnostic.as_ref()?.rendered.as_deref()).collect::<Vec<_>>().join("\n");
        let said = format!("{}{}", built.stderr.trim_end(), diagnostics.trim_end());
        let said = if said.is_empty() { format!("{} ended with {}", cargo().display(), built.status) } else { said };
        bail!("cannot build the suites:\n{said}");
    }
    if messages.is_empty() {
        bail!("{} built nothing and reported no error, so it is not cargo; unset CARGO", cargo().display());
    }
    let binary = |schema: &&Schema| {
        let built = messages.iter().rev().find(|message| {
            message.reason == "compiler-artifact"
                && message.executable.is_some()
                && message.target.as_ref().is_some_and(|t| t.name == schema.suite.test && t.kind == ["test"])
        });
        built.and_then(|message| {
            let directory = message.manifest_path.as_ref()?.parent()?.to_path_buf();
            Some(Binary { executable: message.executable.clone()?, directory })
        })
    };
    schemas
        .iter()
        .map(|schema| match binary(schema) {
            Some(binary) => Ok((schema.name.clone(), binary)),
            None => bail!("package {} has no test target {}", schema.suite.package, schema.suite.test),
        })
        .collect()
}

/// What a build printed.
struct Built {
    messages: Vec<Message>,
    stderr: String,
    status: ExitStatus,
}

/// How much output of a build is read: something that is not cargo may print without end.
const MOST_OUTPUT: u64 = 256 << 20;

/// How many lines of a build may be none of cargo's messages.
const MOST_STRANGE_LINES: usize = 1000;

/// Runs a build and reads its messages as they arrive.
fn built(mut command: Command) -> anyhow::Result<Built> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let cannot_run = || format!("cannot run {} to build the suites", cargo().display());
    let mut child = command.spawn().with_context(cannot_run)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (messages, stderr) = std::thread::scope(|scope| {
        let stderr = scope.spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.map(|stderr| stderr.take(MOST_OUTPUT).read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let messages = stdout.map(|stdout| read_messages(BufReader::new(stdout.take(MOST_OUTPUT)))).unwrap_or_default();
        if messages.is_none() {
            // It may have ended already.
            let _ = child.kill();
        }
        (messages, stderr.join().unwrap_or_default())
    });
    let status = child.wait().context("cannot wait for the build of the suites")?;
    let messages = messages.with_context(|| {
        format!("{} prints something else than cargo's messages, so it is not cargo; unset CARGO", cargo().display())
    })?;
    Ok(Built { messages, stderr, status })
}

/// Cargo's messages; `None` if the output is something else.
fn read_messages(stdout: impl BufRead) -> Option<Vec<Message>> {
    let (mut messages, mut strange, mut length) = (Vec::new(), 0, 0_u64);
    for line in stdout.split(b'\n').map_while(Result::ok) {
        length += line.len() as u64 + 1;
        match serde_json::from_slice(&line) {
            Ok(message) => messages.push(message),
            Err(_) => strange += 1,
        }
        if strange > MOST_STRANGE_LINES {
            return None;
        }
    }
    (length < MOST_OUTPUT).then_some(messages)
}

impl Binary {
    fn command(&self, selection: &Selection, options: &[&str]) -> Command {
        let mut command = Command::new(&self.executable);
        without_secrets(command.current_dir(&self.directory)).env("CARGO_MANIFEST_DIR", &self.directory);
        for variable in MISLEADING {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).args(options);
        if matches!(selection, Selection::Named(_)) {
            command.arg("--exact");
        }
        // What follows are names, whatever they begin with.
        command.arg("--");
        match selection {
            Selection::All => {}
            Selection::Containing(text) => drop(command.arg(text)),
            Selection::Named(names) => drop(command.args(names)),
        }
        command
    }

    /// The names of its tests.
    pub(crate) fn list(&self, selection: &Selection) -> anyhow::Result<Vec<String>> {
        let output = self.command(selection, &["--list", "--format=terse"]).output();
        let output = output.with_context(|| format!("cannot run {}", self.executable.display()))?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!("{} cannot list its tests ({}):\n{}", self.executable.display(), output.status, stderr.trim_end());
        }
        Ok(stdout.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    /// Runs its tests with these additions to the environment, and reports their number and each finished test to
    /// `progress`.
    pub(crate) fn run(
        &self,
        selection: &Selection,
        environment: &[(&str, String)],
        progress: &crate::terminal::Progress,
        schema: &str,
    ) -> anyhow::Result<Ran> {
        // Without names, the harness would run all tests.
        if *selection == Selection::Named(Vec::new()) {
            return Ok(Ran { tests: Vec::new(), problem: None });
        }
        let mut command = self.command(selection, &[]);
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        // The pipe closes when this process ends; the suite then exits, since its databases are being removed.
        command.env(GUEST_VARIABLE, "1").stdin(Stdio::piped());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", self.executable.display()))?;
        let (stdout, stderr, held) = (child.stdout.take(), child.stderr.take(), child.stdin.take());
        let (tests, stderr) = std::thread::scope(|scope| {
            let stderr = scope.spawn(move || {
                let mut text = String::new();
                // Anything but text is not shown; the output of the tests comes through standard output.
                let _ = stderr.map(|mut stderr| stderr.read_to_string(&mut text));
                text
            });
            let tests = stdout.map(|stdout| read_tests(BufReader::new(stdout), progress, schema)).unwrap_or_default();
            (tests, stderr.join().unwrap_or_default())
        });
        let status = child.wait().context("cannot wait for the suite's process")?;
        drop(held);
        // libtest exits with 0 or, if a test failed, with 101.
        let failed = tests.iter().any(|test| test.passed == Some(false));
        let ended_well = status.code() == Some(if failed { 101 } else { 0 });
        let problem = (!ended_well).then(|| format!("the suite exited with {status}\n{}", stderr.trim_end()));
        Ok(Ran { tests, problem })
    }
}

/// The results of a suite's process.
pub(crate) struct Ran {
    pub(crate) tests: Vec<TestRun>,
    pub(crate) problem: Option<String>,
}

/// Parses the output of libtest: one line per test, then the output of those that failed.
fn read_tests(stdout: impl BufRead, progress: &crate::terminal::Progress, schema: &str) -> Vec<TestRun> {
    let mut tests: Vec<TestRun> = Vec::new();
    let mut failed: Option<(String, String)> = None;
    let keep = |tests: &mut Vec<TestRun>, failed: &mut Option<(String, String)>| {
        if let Some((name, output)) = failed.take()
            && let Some(test) = tests.iter_mut().find(|test| test.name == name)
        {
            test.output = Some(output.trim().to_owned());
        }
    };
    for line in stdout.split(b'\n').map_while(Result::ok) {
        // Tests may print anything.
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            keep(&mut tests, &mut failed);
            failed = Some((name.to_owned(), String::new()));
        } else if failed.is_some() && line == "failures:" {
            keep(&mut tests, &mut failed);
        } else if let Some((_, output)) = &mut failed {
            output.push_str(&line);
            output.push('\n');
        } else if let Some(total) = line.strip_prefix("running ").and_then(|rest| rest.split(' ').next()?.parse().ok())
        {
            progress.tests(schema, total);
        } else if let Some((name, ended)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            let passed = match ended {
                "ok" => Some(true),
                _ if ended.starts_with("ignored") => None,
                _ => Some(false),
            };
            tests.push(TestRun { name: name.trim_end_matches(" - should panic").to_owned(), passed, output: None });
            progress.tested();
        }
    }
    keep(&mut tests, &mut failed);
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_the_harness_is_parsed() {
        let printed = "\nrunning 3 tests\ntest a::one ... ok\ntest a::two ... FAILED\ntest b ... ignored, slow\n\nfailures:\n\n\
                       ---- a::two stdout ----\n\nthread 'a::two' panicked\ntest x ... ok\n\n\nfailures:\n    a::two\n\n\
                       test result: FAILED. 1 passed; 1 failed\n";
        let tests = read_tests(printed.as_bytes(), &crate::terminal::Progress::new(true), "a");
        let found: Vec<_> = tests.iter().map(|t| (t.name.as_str(), t.passed, t.output.as_deref())).collect();
        assert_eq!(
            found,
            [
                ("a::one", Some(true), None),
                ("a::two", Some(false), Some("thread 'a::two' panicked\ntest x ... ok")),
                ("b", None, None),
            ]
        );
    }
}
