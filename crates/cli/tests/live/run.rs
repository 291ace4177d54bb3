//! `run`: a reviewed script with typed parameters, in one transaction.

use rstest::rstest;

use crate::database::InUse;
use crate::project::Project;

fn settler() -> InUse {
    let live = InUse::of(Project::of("settler"), "");
    live.run(&std::fs::read_to_string(live.project.path("sql/settler/001-initial-schema.sql")).expect("a file"));
    live
}

#[test]
fn the_first_tenant_and_its_administrator_are_created() {
    let live = settler();
    // As the owner's role of a managed service may have.
    live.superuser().run(&format!("ALTER ROLE {} BYPASSRLS", live.name)).expect("a superuser may");
    let mut command = live.project.pgproof(&[
        "run",
        "settler/first_tenant",
        "--database",
        "live",
        "--yes",
        "--set",
        "email=admin@example.com",
        "--set",
        "name=O'Brien & Sons",
        "--set-from",
        "password_hash=HASH",
    ]);
    let ended = crate::project::Ended::of(&command.env("HASH", "$2b$12$secret").output().expect("pgproof runs"));
    ended.demand(
        0,
        &["Creates a tenant and its first administrator", "name = O'Brien & Sons", "tenant_id: ", "user_id: "],
    );
    assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("secret"), "{}", ended.stdout);
    let stored = "SELECT t.name || ' ' || t.slug || ' ' || u.email || ' ' || u.password_hash || ' ' || u.role FROM users u JOIN tenants t ON t.id = u.tenant_id";
    assert_eq!(live.column(stored), ["O'Brien & Sons default admin@example.com $2b$12$secret admin"]);
}

#[rstest]
#[case(&["settler/first_tenant"], "needs a value for email (text); give --set email=VALUE")]
#[case(&["settler/first_tenant", "--set", "e-mail=x"], "has no parameter \"e-mail\"; it has name, slug, tier, email, password_hash")]
#[case(&["settler/last_tenant"], "no script \"last_tenant\" in sql/settler/scripts: commits, first_tenant, half, typed")]
#[case(&["settler/../optional/table-partitions"], "no script \"../optional/table-partitions\"")]
#[case(&["first_tenant"], "expected SCHEMA/SCRIPT")]
#[case(&["settler/typed", "--set", "count=many"], "the value of count is no integer")]
#[case(&["settler/commits"], "a script runs in one transaction, so it contains no COMMIT")]
#[case(&["settler/half"], "half.sql:2:1: SELECT failed")]
fn what_cannot_be_run_changes_nothing(#[case] arguments: &[&str], #[case] said: &str) {
    let live = settler();
    live.project.write("sql/settler/scripts/typed.sql", "-- parameter count integer\nSELECT :'count';\n");
    live.project.write("sql/settler/scripts/commits.sql", "DELETE FROM tenants; COMMIT;\n");
    live.project.write("sql/settler/scripts/half.sql", "CREATE TABLE t (x int);\nSELECT 1 / 0;\n");
    let before = live.state();
    live.pgproof(&[&["run"], arguments, &["--database", "live", "--yes"]].concat()).demand(2, &[said]);
    assert_eq!(live.state(), before);
}
