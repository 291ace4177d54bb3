//! `doctor`: each planted fault is found and its mend named; nothing is changed, and no password is shown.

use std::process::Command;

use pgproof_server::Session;
use rstest::rstest;

use crate::database::InUse;
use crate::external::{ExternalServer, PASSWORD};
use crate::project::{Ended, Project, workspace};
use crate::proxy;

/// Runs `doctor` on a database: its output, which holds no password.
#[track_caller]
fn doctor(project: &Project, database: &str) -> Ended {
    let ended = project.run(&["doctor", "--database", database]);
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!["correct", "horse", "hush"].iter().any(|secret| all.contains(secret)), "a password in {all}");
    ended
}

#[test]
fn nothing_is_wrong_with_an_undisturbed_database_and_nothing_is_changed() {
    let live = InUse::migrated();
    let state = "SELECT xmin::text || ctid FROM pg_class UNION ALL SELECT xmin::text || ctid FROM pg_namespace UNION ALL SELECT xmin::text || ctid FROM pg_extension ORDER BY 1";
    let before = live.column(state);
    let ended = doctor(&live.project, "live");
    ended.demand(
        0,
        &[
            "✓ schema opportunity   4 migrations, 001_create_orchestrator_log.sql to 004_runtime_logging.sql",
            "\nlive (database live_",
            "✓ connection",
            "✓ server version       PostgreSQL ",
            "✓ writable             the primary",
            "✓ connection pooler    none found",
            "✓ role                 live_",
            "✓ database privileges  CREATE",
            "✓ schema privileges    CREATE and USAGE on public",
            " objects of the migrations exist, and the role owns them",
            "✓ extension pgcrypto   created, version ",
            " that the server allows are free",
            "- disk space           the database has ",
            "✓ locks                no transaction holds a lock for long",
            "\n1 not checked\n",
        ],
    );
    assert_eq!(live.column(state), before);
}

/// `…` stands for any text.
#[test]
fn the_checklist_in_the_documentation_is_what_is_printed() {
    let page = std::fs::read_to_string(workspace().join("docs/live.md")).expect("a page");
    let shown = page.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a checklist");
    let live = InUse::migrated();
    let guest = format!("{}_guest", live.name);
    let role = format!("CREATE ROLE {guest} LOGIN; GRANT ALL ON SCHEMA public TO {guest}");
    live.superuser().run(&role).expect("a role");
    let ended = doctor(&live.project, &live.conninfo_as(&guest));
    let printed: Vec<&str> = ended.stdout.lines().collect();
    for line in shown.lines().filter(|line| !line.is_empty()) {
        let parts: Vec<&str> = line.split('…').collect();
        let is_it = |printed: &&str| {
            let after = parts.iter().try_fold(*printed, |rest, part| rest.split_once(part).map(|(_, rest)| rest));
            printed.starts_with(parts[0]) && after.is_some_and(|rest| rest.is_empty() || line.ends_with('…'))
        };
        assert!(printed.iter().any(is_it), "no line {line:?} in\n{}", ended.stdout);
    }
}

#[test]
fn what_is_missing_for_a_role_without_privileges_is_granted_by_the_mends() {
    let live = InUse::migrated();
    live.run("DROP EXTENSION pgcrypto CASCADE");
    let guest = format!("{}_guest", live.name);
    live.superuser().run(&format!("CREATE ROLE {guest} LOGIN")).expect("a role");
    let ended = doctor(&live.project, &live.conninfo_as(&guest));
    let on_database = format!("→ GRANT CREATE ON DATABASE \"{}\" TO \"{guest}\"", live.name);
    let owner = format!(" belong to {}, and only an owner may alter them: ", live.name);
    ended.demand(
        1,
        &[
            "✗ extension pgcrypto   available and trusted, but the role has no CREATE on the database",
            &on_database,
            "✗ schema privileges    no CREATE on schema public",
            &format!("run: GRANT ALL ON SCHEMA \"public\" TO \"{guest}\""),
            &owner,
            &format!("→ migrate as {}", live.name),
            "3 problems",
        ],
    );
    let name = &live.name;
    let granted = format!(
        "GRANT CREATE ON DATABASE {name} TO {guest}; GRANT ALL ON SCHEMA public TO {guest}; GRANT {name} TO {guest}"
    );
    live.superuser().run(&granted).expect("privileges");
    doctor(&live.project, &live.conninfo_as(&guest)).demand(0, &["✓ extension pgcrypto   available (version "]);
}

/// Faults that a superuser plants in the database, and the mend.
#[rstest]
#[case("ALTER DATABASE NAME SET default_transaction_read_only = on", 1, &["✗ writable", "→ ALTER DATABASE \"NAME\" RESET default_transaction_read_only"])]
#[case("ALTER ROLE NAME SET default_transaction_read_only = on", 1, &["✗ writable", "→ ALTER ROLE \"NAME\" RESET default_transaction_read_only"])]
#[case("ALTER ROLE NAME BYPASSRLS", 0, &["! role", "NAME has BYPASSRLS", "→ migrate as the role that owns the tables"])]
#[case("ALTER ROLE NAME SUPERUSER", 0, &["! role", "NAME is a superuser"])]
#[case("ALTER ROLE NAME CONNECTION LIMIT 2", 0, &["! free connections", "1 of the 2 that the role allows is free, and pgproof needs 2 more", "→ close other sessions"])]
#[case("ALTER ROLE NAME CONNECTION LIMIT 0", 1, &["✗ connection", "all connections are in use", "53300", "→ close other sessions", "- extensions", "not checked: no connection"])]
#[case("REVOKE CONNECT ON DATABASE NAME FROM PUBLIC, NAME", 1, &["the role may not connect", "→ GRANT CONNECT ON DATABASE \"NAME\" TO \"NAME\""])]
#[case("REVOKE USAGE ON SCHEMA public FROM PUBLIC", 1, &["no CREATE and USAGE on schema public", "GRANT ALL ON SCHEMA \"public\" TO \"NAME\""])]
fn a_fault_of_the_database_is_found(#[case] sql: &str, #[case] code: i32, #[case] said: &[&str]) {
    let live = InUse::migrated();
    // On majors before 15, everybody may create in public.
    let set = "ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM NAME";
    let sql = if sql.contains("SCHEMA public") {
        format!("{set}; REVOKE CREATE ON SCHEMA public FROM PUBLIC; {sql}")
    } else {
        sql.to_owned()
    };
    live.superuser().run(&sql.replace("NAME", &live.name)).expect("a fault");
    let said: Vec<String> = said.iter().map(|text| text.replace("NAME", &live.name)).collect();
    doctor(&live.project, "live").demand(code, &said.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Faults in the files of the project.
#[rstest]
#[case(
    "CREATE EXTENSION no_such_thing;",
    "✗ extension no_such_thing  the server does not have it\n",
    "→ install the package that provides it"
)]
#[case(
    "CREATE EXTENSION pageinspect;",
    "✗ extension pageinspect  available, but not trusted: only a superuser may create it",
    "run, in NAME: CREATE EXTENSION \"pageinspect\""
)]
fn an_extension_that_cannot_be_created_is_found(#[case] sql: &str, #[case] found: &str, #[case] mend: &str) {
    let live = InUse::of(Project::new(), "");
    live.project.write("sql/opportunity/005_more.sql", sql);
    doctor(&live.project, "live")
        .demand(1, &[found, &mend.replace("NAME", &live.name), "none of the migrations' objects exists yet"]);
}

#[test]
fn a_server_that_is_too_old_and_a_missing_schema_are_found() {
    let project = Project::new();
    project.edit(
        "pgproof.toml",
        "[schemas.opportunity]\n",
        "[schemas.opportunity]\nminimum_major = 99\nsearch_path = [\"shop\"]\n",
    );
    let live = InUse::of(project, "");
    let created = format!("→ CREATE SCHEMA \"shop\" AUTHORIZATION \"{}\"", live.name);
    doctor(&live.project, "live").demand(
        1,
        &["but schema opportunity needs 99 or newer", "→ upgrade the server", "schema shop does not exist", &created],
    );
}

#[test]
fn an_idle_transaction_that_holds_a_lock_is_found() {
    let live = InUse::migrated();
    let mut idle: Session = live.session();
    idle.run("BEGIN; SELECT count(*) FROM etl_logs").expect("a lock");
    let pid = idle.value("SELECT pg_backend_pid()").expect("a value").expect("a process");
    let found = format!("a migration would wait: session {pid} has held a lock on ");
    let mend = format!("→ wait until it ends, or end it: SELECT pg_terminate_backend({pid})");
    doctor(&live.project, "live").demand(0, &["! locks", &found, "idle in its transaction", &mend]);
    // Another role may not see since when, only that the lock stays.
    let guest = format!("{}_guest", live.name);
    live.superuser().run(&format!("CREATE ROLE {guest} LOGIN")).expect("a role");
    doctor(&live.project, &live.conninfo_as(&guest)).demand(1, &["! locks", &found, "for more than a second"]);
}

#[test]
fn a_failed_connection_is_told_apart_with_its_mend() {
    let external = ExternalServer::with("hostssl all all all scram-sha-256\nhost all all all reject");
    let project = Project::new();
    let url =
        |user: &str, parameters: &str| format!("postgres://{user}127.0.0.1:{}/postgres?{parameters}", external.port);
    let good = format!("postgres:{}@", PASSWORD.replace(' ', "%20"));
    let cases = [
        (
            url(&good, "sslmode=disable"),
            "pg_hba.conf does not admit",
            "→ add ?sslmode=require to the connection string",
        ),
        (
            url(&good, &format!("sslmode=verify-ca&sslrootcert={}", external.file("other.crt"))),
            "not signed by a trusted authority",
            "→ set sslrootcert",
        ),
        (
            url(&good, &format!("sslmode=verify-full&sslrootcert={}", external.file("root.crt"))),
            "is for another host name",
            "→ connect by the name that the certificate is for",
        ),
        (
            url("postgres:hush@", "sslmode=require"),
            "wrong password, or no such role",
            "→ URL-encode special characters in the password",
        ),
        (
            url("postgres@", "sslmode=require"),
            "the server wants a password, and none is given",
            "→ give the password of role postgres",
        ),
        (
            url(&good, "sslmode=require").replace("/postgres?", "/shop?"),
            "there is no such database",
            "→ check the name of the database in the connection string, or create it: CREATE DATABASE \"shop\"",
        ),
        (
            "postgres://me:hush@nobody.invalid/x".to_owned(),
            "the host name does not resolve",
            "→ check the host name in the connection string, and that it resolves: nslookup nobody.invalid",
        ),
        (
            "postgres://me:hush@127.0.0.1:1/x".to_owned(),
            "no server listens there",
            "→ check that the server runs and listens there: pg_isready -h 127.0.0.1 -p 1",
        ),
        (
            format!("postgres://me:hush@127.0.0.1:{}/x?sslmode=require", proxy::without_encryption()),
            "the server does not offer encryption",
            "→ sslmode=require demands encryption",
        ),
        (
            format!("postgres://me:hush@127.0.0.1:{}/x?sslmode=disable", proxy::rejecting("57P03")),
            "starting up or shutting down",
            "→ wait a moment and try again",
        ),
        (
            format!("postgres://me:hush@127.0.0.1:{}/x?sslmode=disable", proxy::rejecting("08P01")),
            "a connection pooler rejects the settings",
            "→ migrate over a direct connection",
        ),
    ];
    for (url, found, mend) in cases {
        doctor(&project, &url)
            .demand(1, &["✗ connection", found, mend, "- server version", "not checked: no connection"]);
    }
    doctor(&project, &url(&good, "sslmode=require"))
        .demand(0, &["✓ connection           encrypted (TLSv1.3)", "! role"]);
}

#[test]
fn an_unknown_role_is_told_apart_from_a_rejected_one() {
    let live = InUse::migrated();
    let said = [
        "there is no such role, or it may not log in",
        "→ check the role in the connection string, or create it: CREATE ROLE \"nobody\" LOGIN",
    ];
    doctor(&live.project, &live.conninfo_as("nobody")).demand(1, &said);
}

#[test]
fn a_pooler_in_between_is_found() {
    let external = ExternalServer::with("host all all all trust");
    let project = Project::new();
    let url = |port: u16| format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable");
    let mend = "→ connect to the server itself";
    doctor(&project, &url(external.port)).demand(0, &["✓ connection pooler    none found"]);
    let dropping = url(proxy::dropping_settings(external.port));
    doctor(&project, &dropping)
        .demand(1, &["✗ connection pooler    a pooler drops settings of the session: lock_timeout is 0 ms", mend]);
    let sharing = url(proxy::sharing(external.port));
    doctor(&project, &sharing)
        .demand(1, &["✗ connection pooler    a pooler gives each transaction another server process", mend]);
}

#[test]
fn a_connection_string_that_is_not_set_or_unusable_is_a_fault() {
    let project = Project::new();
    project.append("pgproof.toml", "[databases.production]\nvariable = \"SHOP_URL\"\n");
    doctor(&project, "production").demand(
        1,
        &[
            "✗ connection string",
            "SHOP_URL is not set",
            "→ export SHOP_URL='postgresql://…', or add the line SHOP_URL=… to ",
        ],
    );
    project.write(".env", "SHOP_URL=postgres://me:hush@h:port/x\n");
    doctor(&project, "production")
        .demand(1, &["the connection string of production is unusable", "→ URL-encode special characters"]);
    project.run(&["doctor", "--database", "producton"]).demand(2, &["did you mean \"production\"?"]);
}

#[test]
fn files_that_are_missing_doubled_or_replaced_are_found() {
    let project = Project::new();
    let file = |name: &str| project.path("sql/opportunity").join(name);
    std::fs::rename(file("003_threshold_seed.sql"), file("005_threshold_seed.sql")).expect("a file");
    project
        .run(&["doctor"])
        .demand(1, &["✗ schema opportunity", "migration 3 is missing between", "→ restore the missing file"]);
    std::fs::rename(file("005_threshold_seed.sql"), file("002_threshold_seed.sql")).expect("a file");
    project
        .run(&["doctor"])
        .demand(1, &["two migrations have the number 2", "→ give the newer one the next free number"]);
    let settler = Project::of("settler");
    settler.write("sql/settler/002-security.sql", "SELECT 1;");
    settler
        .run(&["doctor"])
        .demand(1, &["✗ schema settler", "002-security.sql is now part of 001-initial-schema.sql", "remove it"]);
}

#[test]
fn a_file_with_secrets_that_others_can_read_is_found() {
    let project = Project::new();
    project.write(".env", "SHOP_URL=postgres://me:hush@h/x\n");
    let mode = |mode: u32| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(project.path(".env"), permissions).expect("permissions");
    };
    mode(0o644);
    let run = || project.run(&["doctor"]);
    run().demand(0, &["! .env", "other users of this machine can read it", "→ chmod 600 .env"]);
    mode(0o600);
    run().demand(0, &["✓ .env"]);
    let git = |arguments: &[&str]| {
        let status = Command::new("git").current_dir(project.path("")).args(arguments).status().expect("git");
        assert!(status.success(), "git {arguments:?}");
    };
    git(&["init", "--quiet"]);
    run().demand(0, &["! .env", "git does not ignore it", "→ add .env to .gitignore"]);
    git(&["add", ".env"]);
    run().demand(0, &["! .env", "git tracks it", "→ git rm --cached .env"]);
    git(&["rm", "--quiet", "--cached", ".env"]);
    project.write(".gitignore", ".env\n");
    run().demand(0, &["✓ .env"]);
}

#[test]
fn variables_are_looked_up_in_the_file_too() {
    let project = Project::of("settler");
    project.write(".env", "JWT_SECRET=hush\nENCRYPTION_KEY=0123456789abcdef0123456789abcdef\n");
    for arguments in [&["doctor", "settler"][..], &["doctor", "--schema", "settler"]] {
        let ended = project.run(arguments);
        ended.demand(
            1,
            &[
                "✓ ENCRYPTION_KEY      is set in .env",
                "has 4 characters, but needs 32 or more",
                "✗ JWT_REFRESH_SECRET  is not set",
            ],
        );
        assert!(!ended.stdout.contains("hush") && !ended.stdout.contains("0123"), "{}", ended.stdout);
    }
    project.run(&["doctor", "setler"]).demand(2, &["unknown schema \"setler\""]);
}
