//! "Check that all tables exist": the 28 of the runbook, all of them tables.

use pgproof::prelude::*;
use rstest::rstest;

use crate::settler;

/// The names in the runbook, in its order.
pub const TABLES: [&str; 28] = [
    "tenants",
    "users",
    "api_keys",
    "jobs",
    "executions",
    "matches",
    "unmatched",
    "reports",
    "webhooks",
    "webhook_payloads",
    "webhook_deliveries",
    "webhook_configs",
    "audit_logs",
    "idempotency_keys",
    "revoked_tokens",
    "blocked_ips",
    "security_events",
    "tenant_usage",
    "tenant_quota_usage",
    "feature_flags",
    "feature_flag_changes",
    "event_store",
    "snapshots",
    "saga_state",
    "dead_letter_queue",
    "reconciliation_summary",
    "tenant_usage_view",
    "error_hotspots_view",
];

#[rstest]
fn all_tables_exist(#[from(settler)] mut db: Sandbox) {
    db.check_all(TABLES.map(|name| table(name).exists()));
}

#[rstest]
fn there_is_no_other_table(#[from(settler)] mut db: Sandbox) {
    let sql = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
               AND relnamespace = 'public'::regnamespace";
    db.check(query(sql).returns("28"));
}

#[rstest]
fn the_extensions_are_installed_and_work(#[from(settler)] mut db: Sandbox) {
    db.check(extension("uuid-ossp").is_installed());
    db.check(extension("pgcrypto").is_installed());
    db.check(
        query("SELECT uuid_generate_v5(uuid_ns_dns(), 'example.com')").returns("cfbff0d1-9375-5685-968c-48ce8b15ae17"),
    );
    db.check(query("SELECT length(crypt('secret', gen_salt('bf', 4)))").returns("60"));
}
