//! Single edits of the settler schema, each of which lets one tenant reach another's data, or an upgrade lose data:
//! `verify` exits with 1 and names table, attack and statement. Also roles for which nothing can be proven.

use rstest::rstest;

use crate::project::Project;

const SCHEMA: &str = "sql/settler/001-initial-schema.sql";
const ROLES: &str = "fixtures/settler/roles.sql";

/// Runs the tests on tenant isolation.
#[track_caller]
fn isolation(project: &Project) -> crate::project::Ended {
    project.run(&["verify", "settler", "--filter", "isolation::"])
}

#[rstest]
#[case::not_forced(
    "ALTER TABLE webhooks FORCE ROW LEVEL SECURITY;",
    "",
    &["table webhooks keeps tenants apart", "select, as the tables' owner: leaks", "SELECT * FROM webhooks"]
)]
#[case::policy_that_lets_all_through(
    "CREATE POLICY tenant_isolation_users ON users\n    USING (tenant_id = current_tenant_id())",
    "CREATE POLICY tenant_isolation_users ON users\n    USING (true)",
    &["table users keeps tenants apart", "select, as the role: leaks", "SELECT * FROM users"]
)]
#[case::writes_not_checked(
    "CREATE POLICY tenant_isolation_saga_state ON saga_state\n    USING (tenant_id = current_tenant_id())\n    WITH CHECK (tenant_id = current_tenant_id())",
    "CREATE POLICY tenant_isolation_saga_state ON saga_state USING (tenant_id = current_tenant_id()) WITH CHECK (true)",
    &["table saga_state keeps tenants apart", "insert, as the role: leaks", "move, as the role: leaks", "INSERT INTO saga_state"]
)]
#[case::inserts_not_checked(
    "CREATE POLICY tenant_isolation_webhook_payloads ON webhook_payloads",
    "CREATE POLICY anybody ON webhook_payloads FOR INSERT WITH CHECK (true);\nCREATE POLICY tenant_isolation_webhook_payloads ON webhook_payloads",
    &["table webhook_payloads keeps tenants apart", "insert, as the role: leaks", "INSERT INTO webhook_payloads"]
)]
#[case::row_security_disabled(
    "ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY;",
    "",
    &["table audit_logs keeps tenants apart", "select, as the role: leaks", "returning, as the role: leaks", "and as well: ", "update", "UPDATE audit_logs SET"]
)]
#[case::view_with_its_owners_rights(
    "COMMIT;",
    "CREATE OR REPLACE VIEW job_names AS SELECT id, name FROM jobs;\nCOMMIT;",
    &["table jobs keeps tenants apart", "view by job_names, as the role: leaks", "SELECT * FROM job_names"]
)]
#[case::function_with_its_owners_rights(
    "RETURNS TABLE (snapshot_data jsonb, snapshot_version integer, event_id uuid)\nLANGUAGE sql STABLE",
    "RETURNS TABLE (snapshot_data jsonb, snapshot_version integer, event_id uuid)\nLANGUAGE sql STABLE SECURITY DEFINER",
    &["table snapshots keeps tenants apart", "function by get_latest_snapshot, as the role: leaks", "get_latest_snapshot"]
)]
#[case::tenant_not_compared(
    "WHERE webhooks.id = webhook_deliveries.webhook_id AND webhooks.tenant_id = current_tenant_id()))\n    WITH CHECK",
    "WHERE webhooks.id = webhook_deliveries.webhook_id OR webhooks.tenant_id = current_tenant_id()))\n    WITH CHECK",
    &["table webhook_deliveries keeps tenants apart", "select, as the role: leaks", "SELECT * FROM webhook_deliveries"]
)]
#[case::constant_in_place_of_the_setting(
    "SELECT current_setting('app.current_tenant_id', true)::uuid",
    "SELECT 'aaaaaaaa-0000-4000-8000-000000000000'::uuid",
    &["table jobs keeps tenants apart", "select, as the role: hides: the tenant does not see its own row", "SELECT * FROM jobs"]
)]
#[case::child_without_a_policy(
    "COMMIT;",
    "CREATE TABLE IF NOT EXISTS old_jobs () INHERITS (jobs);\nCOMMIT;",
    &["table jobs keeps tenants apart", "child by old_jobs, as the role: leaks", "SELECT * FROM old_jobs"]
)]
#[case::trigger_that_overwrites_the_tenant(
    "    IF NEW.tenant_id IS NULL THEN\n        SELECT tenant_id INTO NEW.tenant_id FROM jobs WHERE id = NEW.job_id;\n    END IF;",
    "    NEW.tenant_id := (SELECT id FROM tenants ORDER BY created_at, slug LIMIT 1);",
    &["table executions keeps tenants apart", "insert, as the role: leaks: a row that is inserted for tenant", "a trigger overwrites tenant_id"]
)]
#[case::key_without_the_tenant(
    "CONSTRAINT tenant_usage_tenant_id_metric_type_period_start_key UNIQUE (tenant_id, metric_type, period_start)",
    "CONSTRAINT tenant_usage_metric_type_period_start_key UNIQUE (metric_type, period_start)",
    &["table tenant_usage keeps tenants apart", "unique by tenant_usage_metric_type_period_start_key, as the role: leaks", "INSERT INTO tenant_usage"]
)]
#[case::reference_not_checked(
    "        AND EXISTS (SELECT FROM jobs WHERE jobs.id = executions.job_id));",
    ");",
    &["table executions keeps tenants apart", "reference by executions_job_id_fkey, as the role: leaks", "cascade by executions_job_id_fkey"]
)]
#[case::no_policy_decided(
    "COMMIT;",
    "CREATE TABLE IF NOT EXISTS notes (id bigint PRIMARY KEY, note text);\nCOMMIT;",
    &["table notes keeps tenants apart", "whose its rows are is undecided", "tenancy.shared"]
)]
fn a_leak_is_reported(#[case] from: &str, #[case] to: &str, #[case] texts: &[&str]) {
    let project = Project::of("settler");
    project.edit(SCHEMA, from, to);
    isolation(&project).demand(1, texts);
}

#[test]
fn a_materialized_view_that_tenants_may_read() {
    let project = Project::of("settler");
    project.edit(ROLES, "REVOKE ALL ON mv_reconciliation_summary_daily FROM settler_user;", "");
    isolation(&project).demand(
        1,
        &[
            "table executions keeps tenants apart",
            "matview by mv_reconciliation_summary_daily, as the role: leaks",
            "SELECT * FROM mv_reconciliation_summary_daily",
        ],
    );
}

#[test]
fn what_is_no_longer_possible_is_no_longer_accepted() {
    let project = Project::of("settler");
    project.edit("pgproof.toml", "by = [\"*_id_seq\"]", "by = [\"*_no_seq\"]");
    isolation(&project).demand(1, &["sequence on event_store, snapshots", "table event_store keeps tenants apart"]);
}

#[rstest]
#[case::by_its_name(
    "pgproof.toml",
    "role = \"settler_user\"\nsetup = \"fixtures/settler/roles.sql\"\nsetting",
    "role = \"postgres\"\nsetting",
    "role postgres is a superuser"
)]
#[case::by_its_attribute(ROLES, "NOSUPERUSER NOBYPASSRLS", "SUPERUSER", "role settler_user is a superuser")]
#[case::by_passing(
    ROLES,
    "NOSUPERUSER NOBYPASSRLS",
    "NOSUPERUSER BYPASSRLS",
    "role settler_user is a role with BYPASSRLS"
)]
#[case::none(ROLES, "CREATE ROLE settler_user NOLOGIN NOSUPERUSER NOBYPASSRLS;", "NULL;", "does not exist")]
fn a_role_that_policies_do_not_bind_proves_nothing(
    #[case] file: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] text: &str,
) {
    let project = Project::of("settler");
    project.edit(file, from, to);
    isolation(&project).demand(2, &[text]);
}

#[rstest]
#[case::a_row_is_lost(
    "-- An address was unique in all of the database; now it is within its tenant.",
    "DELETE FROM users WHERE deleted_at IS NOT NULL;",
    &["database as of 00-before-tenants.sql", "the row {\"id\": \"10000000-0000-4000-8000-000000000002\"} of users is gone"]
)]
#[case::a_value_is_changed(
    "-- An address was unique in all of the database; now it is within its tenant.",
    "UPDATE jobs SET version = 1 WHERE version > 1;",
    &["of jobs: version is 1, was 3"]
)]
#[case::a_key_stays(
    "ALTER TABLE users DROP CONSTRAINT IF EXISTS users_email_key;",
    "",
    &["unlike a fresh installation: constraint users.users_email_key was added"]
)]
#[case::a_second_run_changes_rows(
    "-- An address was unique in all of the database; now it is within its tenant.",
    "UPDATE users SET data_retention_days = data_retention_days + 1;",
    &["a second run changes rows"]
)]
#[case::a_column_is_forgotten(
    "ALTER TABLE reports ADD COLUMN IF NOT EXISTS tenant_id uuid\n    CONSTRAINT reports_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;",
    "",
    &["the migrations do not apply: sql/settler/001-initial-schema.sql:", "column \"tenant_id\" does not exist"]
)]
fn an_upgrade_that_loses_data_is_reported(#[case] from: &str, #[case] to: &str, #[case] texts: &[&str]) {
    let project = Project::of("settler");
    project.edit(SCHEMA, from, to);
    project.run(&["verify", "settler", "--filter", "upgrade::an_old_database_is_upgraded::files_1"]).demand(1, texts);
}

#[test]
fn a_superseded_file_is_rejected_wherever_it_appears() {
    for name in ["multi-tenancy.sql", "002-event-sourcing.sql", "optional/security.sql"] {
        let project = Project::of("settler");
        std::fs::write(project.path(&format!("sql/settler/{name}")), "SELECT 1;").expect("a file");
        let text = format!("sql/settler/{name} is now part of 001-initial-schema.sql and must not be run as well");
        project.run(&["verify"]).demand(2, &[&text]);
    }
}

#[test]
fn an_optional_migration_is_proven_if_requested() {
    let project = Project::of("settler");
    let ended = project.run(&["verify", "settler", "--with", "table-partitions"]);
    ended.demand(0, &["2 files", "proven: "]);
    project
        .run(&["verify", "--with", "partitions"])
        .demand(2, &["no such optional migration; available: table-partitions"]);
    Project::new().run(&["verify", "--with", "x"]).demand(2, &["there are no optional migrations"]);
}

#[test]
fn a_partition_without_row_security_is_reported() {
    let project = Project::of("settler");
    let file = "sql/settler/optional/table-partitions.sql";
    project.edit(file, "        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', partition);\n", "");
    let ended = project.run(&["verify", "settler", "--with", "table-partitions", "--filter", "isolation::"]);
    ended.demand(
        1,
        &["table audit_logs keeps tenants apart", "child by audit_logs_2024 and 7 more, as the role: leaks"],
    );
}
