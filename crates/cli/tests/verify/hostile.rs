//! Somebody else's SQL under `audit`: the attempts of `fixtures/hostile` to get out of their databases. The server's roles,
//! settings and databases are the same before and after, and no program ran.

use std::process::{Command, Stdio};
use std::time::Duration;

use rstest::rstest;
use tempfile::TempDir;

use crate::audit::{audit, directory};
use crate::containers::{image, no_container_remains};
use crate::external::ExternalServer;
use crate::project::{Ended, Project, workspace};

/// How many statements of the corpus are attempts; fewer would mean that some are no longer tried.
const ATTEMPTS: usize = 150;

/// Audits a directory of `fixtures/hostile`. Returns how it ended, and the directory in which attempts leave their files.
fn attack(corpus: &str, server: Option<&str>, arguments: &[&str]) -> (Ended, TempDir) {
    let scratch = tempfile::tempdir().expect("a directory");
    // The server may run as another user.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(scratch.path(), open).expect("permissions");
    let marker = scratch.path().join("file").display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgproof"));
    command.arg("audit").arg(workspace().join("fixtures/hostile").join(corpus)).current_dir(scratch.path());
    command.args(["--set", &format!("marker={marker}"), "--set", &format!("touch=touch {marker}")]).args(arguments);
    for variable in ["PGPROOF_CONFIG", "PGPROOF_RUN", "PGPROOF_SERVER", "PGPROOF_CASES", "PGPROOF_SEED"] {
        command.env_remove(variable);
    }
    if let Some(server) = server {
        command.env("PGPROOF_SERVER", server);
    }
    (Ended::of(&command.output().expect("pgproof runs")), scratch)
}

#[track_caller]
fn demand_held(ended: &Ended, scratch: &TempDir) {
    ended.demand(1, &["error (privileges)", "42501 insufficient_privilege"]);
    let findings = ended.stdout.lines().filter(|line| line.contains(": error (")).count();
    assert!(findings > ATTEMPTS, "only {findings} attempts failed");
    let left: Vec<_> = std::fs::read_dir(scratch.path()).expect("a directory").collect();
    assert!(left.is_empty(), "an attempt left {left:?}");
}

#[test]
fn no_attempt_gets_out_of_a_server_of_our_own() {
    let (ended, scratch) = attack("attempts", Some("local"), &[]);
    demand_held(&ended, &scratch);
    let (ended, _) = attack("readers", Some("local"), &[]);
    ended.demand(0, &["no findings"]);
}

#[test]
fn no_attempt_gets_out_of_a_container() {
    let Some(image) = image() else { return };
    let (ended, scratch) = attack("attempts", Some("docker"), &[]);
    demand_held(&ended, &scratch);
    no_container_remains();
    drop(image);
}

/// Everything on a server that is not in a database.
fn shared(external: &ExternalServer) -> Vec<String> {
    let parameters =
        if external.0.version().major >= 15 { "UNION ALL SELECT a::text FROM pg_parameter_acl a" } else { "" };
    external.rows(&format!(
        "SELECT a::text FROM pg_authid a UNION ALL SELECT m::text FROM pg_auth_members m \
         UNION ALL SELECT s::text FROM pg_db_role_setting s UNION ALL SELECT d::text FROM pg_shdescription d \
         UNION ALL SELECT (datname, datdba, encoding, datistemplate, datallowconn, datconnlimit, dattablespace, datacl)::text \
             FROM pg_database \
         UNION ALL SELECT t::text FROM pg_tablespace t UNION ALL SELECT r::text FROM pg_replication_slots r \
         UNION ALL SELECT l::text FROM pg_shseclabel l UNION ALL SELECT x::text FROM pg_prepared_xacts x \
         UNION ALL SELECT name || setting FROM pg_file_settings {parameters} ORDER BY 1"
    ))
}

#[rstest]
#[case::attempts("attempts", 1)]
#[case::readers("readers", 0)]
fn an_external_server_is_unchanged_by_attempts(#[case] corpus: &str, #[case] code: i32) {
    let external = ExternalServer::new();
    external.rows("CREATE ROLE hostile_victim; COMMENT ON ROLE hostile_victim IS 'theirs'");
    let shared_before = shared(&external);
    let before = external.before();
    let (ended, scratch) = attack(corpus, Some(&external.conninfo("postgres")), &[]);
    if code == 1 {
        demand_held(&ended, &scratch);
    } else {
        ended.demand(0, &["no findings"]);
    }
    external.is_as_before(&before);
    assert_eq!(shared(&external), shared_before);
}

/// A role that owns more on its server than pgproof's databases does not run what looks like an attempt.
#[test]
fn a_role_that_may_not_create_another_rejects_what_reaches_outside() {
    let external = ExternalServer::new();
    let shared_before = shared(&external);
    let before = external.before();
    let (ended, _) = attack("attempts", Some(&external.conninfo("theirs")), &[]);
    ended.demand(
        2,
        &[
            "reach outside the disposable database",
            "may not create a role with fewer privileges",
            "--allow-outside",
            "01_programs.sql:3:1: it runs a program on the server",
            "03_code.sql:4:1: it loads code into the server",
        ],
    );
    external.is_as_before(&before);
    assert_eq!(shared(&external), shared_before);
}

#[test]
fn what_needs_more_privileges_is_reported_with_what_to_do() {
    let files = directory(&[(
        "1.sql",
        "CREATE TABLE IF NOT EXISTS t (a int);\nCOPY t FROM PROGRAM 'id';\nCREATE ROLE boss SUPERUSER;\nALTER SYSTEM SET fsync = off;\n\
         CREATE EXTENSION file_fdw;\nCREATE EXTENSION IF NOT EXISTS pgcrypto;\n",
    )]);
    audit(&files, &["."]).demand(
        1,
        &[
            "1.sql:2:1: error (privileges)",
            "to do: it runs a program on the server, for which owning the database is not enough",
            "1.sql:3:1: error (privileges)",
            "1.sql:4:1: error (privileges)",
            "1.sql:5:1: error (privileges)",
            "to do: name it with --extension",
            "findings: 4\n",
        ],
    );
    let extensions = directory(&[(
        "1.sql",
        "CREATE EXTENSION IF NOT EXISTS file_fdw;\nCOMMENT ON EXTENSION file_fdw IS 'files';\nCREATE TABLE IF NOT EXISTS t (a int);\n",
    )]);
    audit(&extensions, &[".", "--extension", "file_fdw"]).demand(0, &["no findings"]);
    audit(&extensions, &[".", "--extension", "no_such"]).demand(2, &["no_such"]);
    let role = directory(&[("1.sql", "CREATE ROLE pgproof_audited SUPERUSER; DROP ROLE pgproof_audited;")]);
    audit(&role, &["."]).demand(1, &["error (privileges)"]);
    audit(&role, &[".", "--allow-outside"]).demand(0, &["roles belong to the whole server"]);
    audit(&directory(&[("1.sql", "SELECT 1;\n\\c other\n")]), &["."])
        .demand(2, &["1.sql:2:", "a migration stays in the database"]);
}

#[test]
fn an_audit_leaves_no_setting_on_an_external_server() {
    let external = ExternalServer::new();
    let shared_before = shared(&external);
    let before = external.before();
    let files =
        directory(&[("m/1.sql", "CREATE TABLE IF NOT EXISTS t (a int);"), ("p.sql", "CREATE SCHEMA \"my app\";")]);
    for role in ["postgres", "theirs"] {
        let arguments = ["m", "--search-path", "my app, public", "--prelude", "p.sql"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgproof"));
        command.arg("audit").args(arguments).current_dir(files.path()).env("PGPROOF_SERVER", external.conninfo(role));
        Ended::of(&command.output().expect("pgproof runs")).demand(0, &["m: 1 file"]);
        external.is_as_before(&before);
        assert_eq!(shared(&external), shared_before, "{role}");
    }
}

#[test]
fn a_schema_with_an_owner_is_migrated_by_a_role_that_owns_only_the_database() {
    let (external, project) = (ExternalServer::new(), Project::new());
    let config = std::fs::read_to_string(project.path("pgproof.toml")).expect("a file");
    let owned = config.replacen("[schemas.opportunity]\n", "[schemas.opportunity]\nowner = \"opportunity_owner\"\n", 1);
    std::fs::write(project.path("pgproof.toml"), owned).expect("a file");
    let before = external.before();
    let run = |server: &str, filter: &str| {
        let output = project.pgproof(&["verify", "--filter", filter]).env("PGPROOF_SERVER", server).output();
        Ended::of(&output.expect("pgproof runs"))
    };
    for section in ["rerun::", "constraints::", "schema::"] {
        // Whose the objects are is a part of the accepted schema.
        let (code, text) = if section == "schema::" { (1, "opportunity_owner") } else { (0, "proven: ") };
        run("local", section).demand(code, &[text]);
        run(&external.conninfo("postgres"), section).demand(code, &[text]);
    }
    project.append("sql/opportunity/001_create_orchestrator_log.sql", "\nALTER SYSTEM SET work_mem = '8MB';\n");
    for server in ["local".to_owned(), external.conninfo("postgres")] {
        run(&server, "columns::").demand(2, &["001_create_orchestrator_log.sql:", "42501 insufficient_privilege"]);
    }
    external.is_as_before(&before);
    external.rows("CREATE ROLE opportunity_owner");
    run(&external.conninfo("postgres"), "columns::")
        .demand(2, &["role opportunity_owner already exists on ", "pgproof uses only roles of its own"]);
}

#[test]
fn a_killed_audit_leaves_neither_its_role_nor_its_databases() {
    let external = ExternalServer::new();
    let shared_before = shared(&external);
    let before = external.before();
    for moment in 0..4 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgproof"));
        command.arg("audit").arg(workspace().join("fixtures/hostile/readers"));
        command.env("PGPROOF_SERVER", external.conninfo("postgres")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("pgproof runs");
        std::thread::sleep(Duration::from_millis(30 + moment * 150));
        child.kill().expect("a kill");
        child.wait().expect("an end");
        external.is_as_before(&before);
        assert_eq!(shared(&external), shared_before);
    }
}
