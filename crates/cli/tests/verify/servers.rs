//! `verify` on an external server and in a container: the same verdict, and nothing left behind, however it ends.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use rstest::rstest;

use crate::containers::{image, no_container_remains};
use crate::endings::nothing_remains;
use crate::external::ExternalServer;
use crate::kills::{Victim, killed};
use crate::project::Project;

/// The number of moments at which to kill a run; set it higher for a soak test.
pub fn moments() -> u64 {
    std::env::var("PGPROOF_TEST_MOMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

#[rstest]
#[case::opportunity("opportunity")]
#[case::settler("settler")]
fn an_external_server_proves_the_same(#[case] schema: &str) {
    let (external, project) = (ExternalServer::new(), Project::of(schema));
    let before = external.before();
    let output =
        project.pgproof(&["verify", "--server", &external.conninfo("postgres")]).output().expect("pgproof runs");
    crate::project::Ended::of(&output).demand(0, &["(url)", "proven: "]);
    external.is_as_before(&before);
}

#[test]
fn a_role_that_is_not_a_superuser_gets_an_error_for_what_it_cannot_prove() {
    let (external, project) = (ExternalServer::new(), Project::new());
    let before = external.before();
    let server = external.conninfo("theirs");
    let run = |filter: &[&str]| {
        let output = project.pgproof(&[&["verify"], filter].concat()).env("PGPROOF_SERVER", &server).output();
        crate::project::Ended::of(&output.expect("pgproof runs"))
    };
    for section in
        ["constraints", "jsonb", "cascade_delete", "columns", "comments", "table_existence", "threshold_data"]
    {
        run(&["--filter", section]).demand(0, &["(url)", "proven: "]);
    }
    let superuser = "42501 insufficient_privilege: permission denied to set parameter \"session_replication_role\"";
    run(&["--filter", "query_performance"]).demand(2, &[superuser, "could not be checked", "GRANT SET ON PARAMETER"]);
    // A refutation for such a role does not count against the schema.
    project.edit(
        "sql/opportunity/001_create_orchestrator_log.sql",
        "CHECK (duration_ms >= 0)",
        "CHECK (duration_ms >= -1)",
    );
    run(&["--filter", "constraints"]).demand(2, &["role theirs is not a superuser: ", "\nerror: "]);
    if external.0.version().major >= 15 {
        external.rows("GRANT SET ON PARAMETER session_replication_role TO theirs");
        run(&["--filter", "plans::"]).demand(0, &["proven: "]);
        external.rows("REVOKE SET ON PARAMETER session_replication_role FROM theirs");
    }
    external.is_as_before(&before);
}

#[test]
fn an_external_server_is_unchanged_whenever_a_run_is_killed() {
    let (external, project) = (ExternalServer::new(), Project::of("settler"));
    let before = external.before();
    for moment in 0..moments() {
        let command = project.pgproof(&["verify", "--server", &external.conninfo("postgres")]);
        let owner = killed(command, Victim::at(moment), Duration::from_millis(5 + moment * 3000 / moments()));
        external.is_as_before(&before);
        nothing_remains(owner);
    }
}

#[test]
fn two_runs_share_an_external_server() {
    let (external, project) = (ExternalServer::new(), Project::new());
    let before = external.before();
    let run = || {
        let server = external.conninfo("postgres");
        let mut command = project.pgproof(&["verify", "--server", &server]);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("pgproof runs")
    };
    for child in [run(), run()] {
        let output = child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    }
    external.is_as_before(&before);
}

#[test]
fn a_connection_is_specified_as_for_psql() {
    let (external, project) = (ExternalServer::new(), Project::new());
    let output = project.pgproof(&["doctor"]).env("PGPROOF_SERVER", external.conninfo("theirs")).output();
    crate::project::Ended::of(&output.expect("pgproof runs")).demand(0, &["✓ PostgreSQL", ":5432 (url)"]);
    let output = project
        .pgproof(&["verify", "--filter", "comments", "--server", "postgres://"])
        .env("PGHOST", external.0.directory())
        .env("PGUSER", "postgres")
        .output();
    crate::project::Ended::of(&output.expect("pgproof runs")).demand(0, &["(url)"]);
    let service = project.path("services");
    std::fs::write(&service, format!("[ours]\nhost={}\nuser=postgres\n", external.0.directory().display()))
        .expect("a file");
    let command = || project.pgproof(&["verify", "--filter", "comments", "--server", "service=ours"]);
    let output = command().env("PGSERVICEFILE", &service).output();
    crate::project::Ended::of(&output.expect("pgproof runs")).demand(0, &["(url)"]);
    project
        .run(&["verify", "--server", "service=theirs"])
        .demand(2, &["the external server cannot be used", "service theirs is defined neither in "]);
}

#[test]
fn invalid_choices_are_rejected() {
    let project = Project::new();
    project
        .run(&["verify", "--server", "dokcer"])
        .demand(2, &["expected auto, local, docker, download, or a connection string"]);
    let output = project.pgproof(&["verify"]).env("PGPROOF_SERVER", "neon").output().expect("pgproof runs");
    crate::project::Ended::of(&output).demand(2, &["PGPROOF_SERVER does not name a server provider: expected auto"]);
    project
        .run(&["verify", "--server", "postgres://db", "--pg", "all"])
        .demand(2, &["an external server has one version; omit --pg"]);
    let config = std::fs::read_to_string(project.path("pgproof.toml")).expect("a file");
    let secret = "[server]\nprovider = \"postgres://me:hush@db\"\n";
    std::fs::write(project.path("pgproof.toml"), format!("{secret}{config}")).expect("a file");
    let ended = project.run(&["verify"]);
    ended.demand(
        2,
        &["server.provider does not name a server provider: a connection string may contain a password; \
        set it in PGPROOF_SERVER instead"],
    );
    assert!(!format!("{ended:?}").contains("hush"));
}

/// Builds an image that runs this script instead of a server.
fn build(image: &str, tag: &str, script: &str) {
    let mut build = Command::new("docker");
    let tag = format!("pgproof-test:{tag}");
    build
        .args(["build", "--quiet", "--tag", &tag, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut build = build.spawn().expect("docker runs");
    let file = format!("FROM {image}\nENTRYPOINT [\"/bin/sh\", \"-c\", \"{script}\"]\n");
    build.stdin.take().expect("a pipe").write_all(file.as_bytes()).expect("a pipe");
    assert!(build.wait().expect("an end").success());
}

/// A single test, because each check looks at all containers.
#[test]
fn containers_prove_the_same_and_leave_nothing_behind() {
    let Some(image) = image() else { return };
    let project = Project::of("settler");
    let run = |arguments: &[&str]| {
        let mut command = project.pgproof(&[&["verify", "--server", "docker"], arguments].concat());
        command.env("PGPROOF_IMAGE", &image);
        command
    };
    let ended = |arguments: &[&str]| crate::project::Ended::of(&run(arguments).output().expect("pgproof runs"));
    ended(&[]).demand(0, &["(docker)", "proven: "]);
    no_container_remains();
    for moment in 0..moments() {
        let owner = killed(run(&[]), Victim::at(moment), Duration::from_millis(5 + moment * 3000 / moments()));
        nothing_remains(owner);
        no_container_remains();
    }
    // A kept container outlives later runs too, until it is removed with the printed command.
    let kept = ended(&["--keep", "--filter", "tables"]);
    kept.demand(0, &["docker rm --force --volumes pgproof-kept-"]);
    ended(&["--filter", "tables"]).demand(0, &[]);
    let remove = kept.stderr.lines().find_map(|line| line.trim().strip_prefix("docker ")).expect("how to remove it");
    let removed = Command::new("docker").args(remove.split(' ')).output().expect("docker runs");
    assert!(removed.status.success(), "it had been removed before");
    no_container_remains();
    ended(&["--pg", "99"]).demand(2, &[" has PostgreSQL ", ", but 99 was requested"]);
    // It exits at once: the program is not a server.
    build(&image, "broken", "echo no disk today; exit 3");
    let output = run(&[]).env("PGPROOF_IMAGE", "pgproof-test:broken").output().expect("pgproof runs");
    crate::project::Ended::of(&output).demand(
        2,
        &["PostgreSQL in a container of pgproof-test:broken exited during startup; the end of its log:\nno disk today"],
    );
    // It keeps running, but no server starts.
    build(&image, "mute", "echo soon; while :; do cat /dev/zero | dd count=1000000 >/dev/null 2>&1; done");
    let output = run(&[]).env("PGPROOF_IMAGE", "pgproof-test:mute").env("PGPROOF_START_TIMEOUT", "2").output();
    crate::project::Ended::of(&output.expect("pgproof runs")).demand(
        2,
        &["PostgreSQL in a container of pgproof-test:mute accepted no connection within 2 s; the end of its log:\nsoon"],
    );
    let _ = Command::new("docker").args(["image", "rm", "pgproof-test:broken", "pgproof-test:mute"]).output();
    let output = run(&[]).env("PGPROOF_IMAGE", "no.such.registry.invalid/postgres:1").output().expect("pgproof runs");
    crate::project::Ended::of(&output).demand(
        2,
        &["cannot create a container from image no.such.registry.invalid/postgres:1; \
        if the image cannot be pulled, load it"],
    );
    let output = run(&[]).env("DOCKER_HOST", "unix:///nowhere.sock").output().expect("pgproof runs");
    crate::project::Ended::of(&output).demand(2, &["no container engine: ", "start Docker, or set DOCKER_HOST"]);
    no_container_remains();
}
