//! Migrations that never end: each is ended from outside, whatever it set, and the message names it.

use crate::audit::{audit, directory};
use crate::external::ExternalServer;
use crate::project::Project;

/// As in the beginning of what pg_dump writes.
const NO_TIMEOUT: &str = "SET statement_timeout = 0;\n";

#[test]
fn a_statement_that_never_ends_is_a_finding_and_the_audit_goes_on() {
    let sleeps =
        format!("{NO_TIMEOUT}SELECT pg_sleep(1000);\nCREATE TABLE IF NOT EXISTS t (a int);\nCREATE TABLE t (a int);\n");
    audit(&directory(&[("1.sql", &sleeps)]), &[".", "--statement-deadline", "500ms"]).demand(
        1,
        &[
            "1. 1.sql:2:1: error (deadline)\n   SELECT did not end within 500ms, so it was ended",
            "to do: if it needs more time, say how much with --statement-deadline",
            "2. 1.sql:4:1: error (applies)",
            "findings: 2\n",
        ],
    );
}

#[test]
fn a_statement_that_catches_the_cancel_request_loses_its_session() {
    let stubborn = "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;\n";
    audit(&directory(&[("1.sql", &[NO_TIMEOUT, stubborn].concat())]), &[".", "--statement-deadline", "500ms"])
        .demand(1, &["1.sql:2:1: error (deadline)\n   DO did not end within 500ms"]);
}

#[test]
fn a_deadline_is_a_duration() {
    let files = directory(&[("1.sql", "SELECT 1;")]);
    for wrong in ["5", "soon", "0s"] {
        audit(&files, &[".", "--statement-deadline", wrong]).demand(2, &["--statement-deadline"]);
    }
}

fn project(deadlines: &str, sql: &str) -> Project {
    let project = Project::new();
    let config = std::fs::read_to_string(project.path("pgproof.toml")).expect("a file");
    std::fs::write(project.path("pgproof.toml"), format!("[server.deadlines]\n{deadlines}\n{config}")).expect("a file");
    project.append("sql/opportunity/001_create_orchestrator_log.sql", sql);
    project
}

#[test]
fn verify_ends_a_statement_and_a_file_that_never_end() {
    let sleep = format!("\n{NO_TIMEOUT}SELECT pg_sleep(1000);\n");
    project("statement = \"700ms\"", &sleep).run(&["verify"]).demand(
        2,
        &["001_create_orchestrator_log.sql:", "SELECT failed", "it did not end within 700ms", "[server.deadlines]"],
    );
    let short = format!("\n{NO_TIMEOUT}{}", "SELECT pg_sleep(0.3);\n".repeat(9));
    project("file = \"900ms\"", &short).run(&["verify"]).demand(
        2,
        &["001_create_orchestrator_log.sql:", "the file was not applied within 900ms", "[server.deadlines]"],
    );
}

#[test]
fn a_run_that_never_ends_leaves_nothing_behind() {
    let external = ExternalServer::new();
    let before = external.before();
    let sleep = format!("\n{NO_TIMEOUT}SELECT pg_sleep(1000);\n");
    let project = project("run = \"2s\"", &sleep);
    project
        .run(&["verify", "--server", &external.conninfo("postgres")])
        .demand(2, &["error: the run did not end within 2s", "[server.deadlines]"]);
    external.is_as_before(&before);
}
