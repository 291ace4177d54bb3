//! The daily summary: that it can be refreshed while it is read, its contents, and who may read it.

use pgproof::fixture::Tenants;
use pgproof::prelude::*;
use rstest::rstest;

use crate::{settler, settler_tenants};

const SUMMARY: &str = "mv_reconciliation_summary_daily";

/// Two days of one tenant, one of another.
const ROWS: &str = "
    INSERT INTO tenants (id, name, slug) VALUES
        ('aaaaaaaa-0000-4000-8000-000000000000', 'A', 'a'), ('bbbbbbbb-0000-4000-8000-000000000000', 'B', 'b');
    INSERT INTO users (id, tenant_id, email, password_hash) SELECT id, id, slug, 'hash' FROM tenants;
    INSERT INTO jobs (id, user_id, name, source_adapter, source_config_encrypted, target_adapter, target_config_encrypted, rules)
        SELECT id, id, slug, '', '', '', '', '[]' FROM tenants;
    INSERT INTO executions (job_id, status, started_at, duration_ms) VALUES
        ('aaaaaaaa-0000-4000-8000-000000000000', 'completed', '2024-03-01 10:00', 100),
        ('aaaaaaaa-0000-4000-8000-000000000000', 'failed', '2024-03-01 23:59', NULL),
        ('aaaaaaaa-0000-4000-8000-000000000000', 'running', '2024-03-02 00:00', NULL),
        ('bbbbbbbb-0000-4000-8000-000000000000', 'completed', '2024-03-01 10:00', 7)";

#[rstest]
fn the_summary_is_refreshed_concurrently(#[from(settler)] mut db: Sandbox) {
    db.check(materialized_view(SUMMARY).is_readable());
    db.check(materialized_view(SUMMARY).refreshes());
    db.check(materialized_view(SUMMARY).refreshes_concurrently());
    db.check(index("uq_mv_reconciliation_summary_daily_tenant_day").on(SUMMARY, ["tenant_id", "day"]).unique());
}

#[rstest]
fn it_is_of_tenants_and_days(#[from(settler)] mut db: Sandbox) {
    db.run(ROWS).unwrap();
    db.run(&format!("REFRESH MATERIALIZED VIEW {SUMMARY}")).unwrap();
    db.check(materialized_view(SUMMARY).is_fresh());
    let line = "concat_ws(' ', left(tenant_id::text, 1), day, execution_count, completed_count, failed_count, total_duration_ms)";
    let sql = format!("SELECT string_agg({line}, ', ' ORDER BY tenant_id, day) FROM {SUMMARY}");
    db.check(query(sql).returns("a 2024-03-01 2 1 1 100, a 2024-03-02 1 0 0 0, b 2024-03-01 1 1 0 7"));
}

#[rstest]
fn a_tenant_reads_its_own_days_and_nobody_elses(#[from(settler_tenants)] mut db: Tenants) {
    db.check(role("settler_user").may_only([], SUMMARY));
    db.run(ROWS).unwrap();
    db.run(&format!("REFRESH MATERIALIZED VIEW {SUMMARY}")).unwrap();
    db.become_tenant("bbbbbbbb-0000-4000-8000-000000000000").unwrap();
    let days = "SELECT string_agg(day::text || ' ' || execution_count, ', ') FROM tenant_reconciliation_summary_daily";
    db.check(query(days).returns("2024-03-01 1"));
}
