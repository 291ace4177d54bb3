//! "Check triggers": a row without a tenant gets the tenant of its parent, and a row with a tenant keeps it.

use pgproof::prelude::*;
use rstest::rstest;
use serde::Deserialize;

use crate::settler;

/// A line of `triggers.csv`.
#[derive(Debug, Deserialize)]
struct TriggerLine {
    table: String,
    trigger: String,
    function: String,
}

#[rstest]
fn triggers_are_as_declared(#[from(settler)] mut db: Sandbox) {
    let lines: Vec<TriggerLine> = expected(&db, "triggers.csv");
    assert_eq!(lines.len(), 8);
    db.check_all(
        lines
            .iter()
            .map(|line| table(&line.table).trigger(&line.trigger, Timing::Before, [Event::Insert], &line.function)),
    );
    db.check(query("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0").returns("8"));
}

const TENANT: &str = "aaaaaaaa-0000-4000-8000-000000000000";
const OTHER: &str = "bbbbbbbb-0000-4000-8000-000000000000";

/// One tenant with a user, a job and an execution, and another tenant.
const ROWS: &str = "
    INSERT INTO tenants (id, name, slug) VALUES
        ('aaaaaaaa-0000-4000-8000-000000000000', 'A', 'a'), ('bbbbbbbb-0000-4000-8000-000000000000', 'B', 'b');
    INSERT INTO users (id, tenant_id, email, password_hash)
        VALUES ('11111111-0000-4000-8000-000000000000', 'aaaaaaaa-0000-4000-8000-000000000000', 'a@example.com', 'hash');
    INSERT INTO jobs (id, user_id, name, source_adapter, source_config_encrypted, target_adapter, target_config_encrypted, rules)
        VALUES ('22222222-0000-4000-8000-000000000000', '11111111-0000-4000-8000-000000000000', 'job', '', '', '', '', '[]');
    INSERT INTO executions (id, job_id)
        VALUES ('33333333-0000-4000-8000-000000000000', '22222222-0000-4000-8000-000000000000')";

const USER: (&str, &str) = ("user_id", "11111111-0000-4000-8000-000000000000");
const JOB: (&str, &str) = ("job_id", "22222222-0000-4000-8000-000000000000");
const EXECUTION: (&str, &str) = ("execution_id", "33333333-0000-4000-8000-000000000000");

#[rstest]
#[case("jobs", &[USER])]
#[case("executions", &[JOB])]
#[case("matches", &[EXECUTION, JOB])]
#[case("unmatched", &[EXECUTION, JOB])]
#[case("reports", &[EXECUTION, JOB])]
#[case("webhooks", &[USER])]
#[case("api_keys", &[USER])]
#[case("idempotency_keys", &[USER])]
fn a_row_gets_the_tenant_of_what_it_belongs_to(
    #[from(settler)] mut db: Sandbox,
    #[case] name: &str,
    #[case] belongs_to: &[(&str, &str)],
) {
    db.run(ROWS).unwrap();
    let given = || belongs_to.iter().copied();
    db.check(table(name).row(given()).gets("tenant_id", TENANT));
    db.check(table(name).row(given().chain([("tenant_id", OTHER)])).gets("tenant_id", OTHER));
}
