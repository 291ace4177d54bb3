//! What surrounds a run: an output that nobody reads, an environment that lies, and passwords, which no child may see.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rstest::rstest;

use crate::project::{Ended, Project};

const SCHEMA: &str =
    "[schemas.shop]\nmigrations = \"sql\"\nsuite = { package = \"suites\", test = \"names_of_objects\" }\n";

/// Every command, on a project where each has something to print.
const COMMANDS: &[&[&str]] = &[
    &["verify", "--filter", "table_existence"],
    &["verify", "--filter", "table_existence", "--format", "json"],
    &["verify", "--filter", "table_existence", "--pg", "all"],
    &["verify", "--list"],
    &["review", "--markdown"],
    &["plan", "opportunity"],
    &["plan", "opportunity", "--rows", "lead_tasks=50000"],
    &["doctor"],
    &["audit", "sql/opportunity", "--apply-only"],
    &["audit", "sql/opportunity", "--apply-only", "--format", "json"],
    &["report", "--merge", "report.json"],
    &["--help"],
    &["--version"],
];

/// The project, with a report to merge.
fn with_report() -> Project {
    let project = Project::new();
    let report = project.run(&["verify", "--shard", "1/1", "--format", "json"]);
    project.write("report.json", &report.stdout);
    project
}

#[test]
fn an_output_that_nobody_reads_ends_quietly() {
    let project = with_report();
    for arguments in COMMANDS {
        let printed = project.run(arguments);
        assert!(!printed.stdout.is_empty(), "{arguments:?}");
        let mut child =
            project.pgproof(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("pgproof runs");
        drop(child.stdout.take());
        let ended = Ended::of(&child.wait_with_output().expect("pgproof ends"));
        assert_eq!(ended.code, printed.code, "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked") && !ended.stderr.contains("error:"), "{}", ended.stderr);
    }
}

#[test]
fn an_output_that_is_full_is_an_error() {
    let project = with_report();
    for arguments in COMMANDS {
        let full = || File::options().write(true).open("/dev/full").expect("a device");
        let output = project.pgproof(arguments).stdout(full()).output().expect("pgproof runs");
        let ended = Ended::of(&output);
        assert!(!ended.stderr.contains("panicked"), "{arguments:?}: {}", ended.stderr);
        // What clap prints it ends itself.
        if !arguments[0].starts_with("--") {
            ended.demand(2, &["error: cannot write to standard output: No space left on device"]);
        }
        let output = project.pgproof(arguments).stdout(full()).stderr(full()).output().expect("pgproof runs");
        assert!(output.status.code().is_some_and(|code| code < 3), "{arguments:?}: {:?}", output.status);
    }
}

#[test]
fn a_variable_alone_proves_nothing() {
    let project = Project::new();
    project.edit(
        "sql/opportunity/001_create_orchestrator_log.sql",
        "CHECK (duration_ms >= 0)",
        "CHECK (duration_ms >= -1)",
    );
    for variable in [
        "PGPROOF_REAPER",
        "PGPROOF_GUEST",
        "PGPROOF_WHOLE_RUN",
        "PGPROOF_EVIDENCE",
        "PGPROOF_TEST",
        "INSTA_FORCE_PASS",
        "RUST_TEST_NOCAPTURE",
        "RUST_TEST_SHUFFLE",
    ] {
        let output =
            project.pgproof(&["verify"]).env(variable, "1").stdin(Stdio::null()).output().expect("pgproof runs");
        Ended::of(&output).demand(1, &["refuted", "duration_ms"]);
    }
    // With the argument of a reaper too, and no owner that gives it a duty.
    let mut command = project.pgproof(&["pgproof-reaper", "x"]);
    let output = command.env("PGPROOF_REAPER", "1").stdin(Stdio::null()).output().expect("pgproof runs");
    assert_eq!(output.status.code(), Some(2));
}

/// A program that stands between pgproof and cargo, and writes down its environment.
fn spy(project: &Project, script: &str) -> std::path::PathBuf {
    let path = project.path("spy");
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    path
}

#[test]
fn no_password_is_in_the_environment_of_a_child() {
    let project = Project::with(SCHEMA);
    project.write("sql/1_a.sql", "CREATE TABLE t (a int);");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let log = project.path("environment");
    let cargo = spy(&project, &format!("#!/bin/sh\nenv >'{}'\nexec '{cargo}' \"$@\"\n", log.display()));
    let mut command = project.pgproof(&["verify"]);
    command.env("CARGO", &cargo).env("PGPROOF_SERVER", "host=127.0.0.1 port=1 password=hush");
    command.env("PGPASSWORD", "hush").env("PGPROOF_DOWNLOAD_URL", "https://me:hush@mirror").env("PGUSER", "me");
    let ended = Ended::of(&command.output().expect("pgproof runs"));
    ended.demand(2, &["cannot connect to the server at 127.0.0.1:1"]);
    let environment = std::fs::read_to_string(&log).expect("cargo was run");
    assert!(environment.contains("PGUSER=me") && !environment.contains("hush"), "{environment}");
    assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
    // The same for the suite, which this cargo claims to have built.
    let suite = spy(&project, &format!("#!/bin/sh\nenv >'{}'\n", log.display()));
    let built = format!(
        r#"{{"reason":"compiler-artifact","target":{{"name":"names_of_objects","kind":["test"]}},"executable":"{}","manifest_path":"{}"}}"#,
        suite.display(),
        project.path("Cargo.toml").display()
    );
    let cargo = project.path("cargo");
    std::fs::copy(&suite, &cargo).expect("a script");
    std::fs::write(&cargo, format!("#!/bin/sh\necho '{built}'\n")).expect("a script");
    let mut command = project.pgproof(&["verify"]);
    command.env("CARGO", &cargo).env("PGPASSWORD", "hush").env("PGPROOF_DOWNLOAD_URL", "https://me:hush@mirror");
    Ended::of(&command.env("PGUSER", "me").output().expect("pgproof runs")).demand(3, &["nothing was proven"]);
    let environment = std::fs::read_to_string(&log).expect("the suite was run");
    assert!(environment.contains("PGPROOF_RUN=") && environment.contains("PGUSER=me"), "{environment}");
    assert!(!environment.contains("hush"), "{environment}");
}

#[rstest]
#[case::nothing("exit 0", "built nothing and reported no error, so it is not cargo; unset CARGO")]
#[case::failure("exit 7", "ended with exit status: 7")]
#[case::lines("exec yes x", "prints something else than cargo's messages, so it is not cargo; unset CARGO")]
#[case::no_lines("exec cat /dev/zero", "prints something else than cargo's messages, so it is not cargo; unset CARGO")]
#[case::a_lie(
    "echo '{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"names_of_objects\",\"kind\":[\"test\"]},\"executable\":\"/bin/true\",\"manifest_path\":\"/x/Cargo.toml\"}'",
    "cannot run /bin/true"
)]
fn a_cargo_that_is_none(#[case] script: &str, #[case] message: &str) {
    let project = Project::with(SCHEMA);
    project.write("sql/1_a.sql", "CREATE TABLE t (a int);");
    let cargo = spy(&project, &format!("#!/bin/sh\n{script}\n"));
    let output = project.pgproof(&["verify"]).env("CARGO", &cargo).output().expect("pgproof runs");
    Ended::of(&output).demand(2, &[message]);
}

#[test]
fn a_filter_is_a_text_whatever_it_begins_with() {
    let project = Project::new();
    for filter in ["--list", "--ignored", "--help", "-Z", "--"] {
        let ended = project.run(&["verify", &format!("--filter={filter}")]);
        ended.demand(3, &["no test matched, so nothing was proven"]);
    }
}

#[test]
fn a_line_of_a_fixture_belongs_to_a_table() {
    let project = Project::new();
    project.append("fixtures/opportunity/columns.csv", "nosuchtable,id,uuid,true,\n");
    let line = project.line_of("fixtures/opportunity/columns.csv", "nosuchtable");
    let message = format!("columns.csv:{line}: there is no table nosuchtable, so the line belongs to nothing");
    project.run(&["verify"]).demand(2, &[&message]);
}

/// A relative cache and a private umask: the account that runs the server must find and enter what pgproof creates.
#[test]
fn a_cache_is_found_and_entered_by_the_account_that_runs_servers() {
    let project = Project::new();
    let base = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(base.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let audit = |directory: &std::path::Path, cache: &str| {
        let script = "umask 077; exec \"$0\" audit \"$1\" --apply-only";
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_pgproof")]).arg(project.path("sql/opportunity"));
        command.current_dir(directory).env("PGPROOF_CACHE_DIR", cache).env_remove("PGPROOF_SERVER");
        Ended::of(&command.output().expect("pgproof runs"))
    };
    audit(base.path(), "relative/cache").demand(0, &["no findings"]);
    assert!(base.path().join("relative/cache").is_dir());
    audit(base.path(), "").demand(0, &["no findings"]);
}

/// More rows than the memory that pgproof may use.
#[test]
fn rows_that_nobody_reads_are_not_kept() {
    let project = Project::with(SCHEMA);
    let rows = "SELECT repeat('x', 1000) FROM generate_series(1, 1500000);\n";
    project.write("sql/1_a.sql", &format!("CREATE TABLE t (a text);\n{rows}"));
    let more = format!("WITH more AS (INSERT INTO t SELECT 'x' RETURNING a)\n{rows}");
    project.write("sql/2_b.sql", &format!("{more}PREPARE p AS {rows}EXECUTE p;\n(SELECT 1);\n"));
    // The build of the suite fails where migrations have been applied.
    let cargo = spy(&project, "#!/bin/sh\nexit 7\n");
    let script = "ulimit -v 1500000; exec \"$0\" \"$@\"";
    for arguments in [&["verify"][..], &["audit", "sql", "--apply-only"]] {
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_pgproof")]).args(arguments);
        command
            .current_dir(project.path("."))
            .env("CARGO", &cargo)
            .env_remove("PGPROOF_SERVER")
            .env_remove("PGPROOF_CONFIG");
        let ended = Ended::of(&command.output().expect("pgproof runs"));
        match arguments {
            ["verify"] => ended.demand(2, &["cannot build the suites"]),
            _ => ended.demand(0, &["no findings"]),
        }
    }
}
