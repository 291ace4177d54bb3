//! "Verify RLS policies": each policy with its command and its conditions.

use pgproof::prelude::*;
use rstest::rstest;

use crate::settler;

const OWN: &str = "(tenant_id = current_tenant_id())";

/// Tables whose rows cannot reference rows of other tenants: the same condition applies to reading and writing.
#[rstest]
fn a_row_is_seen_and_written_by_its_tenant(
    #[from(settler)] mut db: Sandbox,
    #[values(
        "users",
        "webhook_payloads",
        "blocked_ips",
        "tenant_usage",
        "tenant_quota_usage",
        "event_store",
        "saga_state",
        "reconciliation_summary",
        "tenant_usage_view",
        "error_hotspots_view"
    )]
    name: &str,
) {
    let policy = format!("tenant_isolation_{name}");
    db.check(table(name).policy(policy, PolicyCommand::All).using(OWN).with_check(OWN));
}

/// A foreign key is checked without applying policies, so these policies check it: the referenced row must be visible.
#[rstest]
#[case("api_keys", "tenant_isolation_api_keys", &["users"])]
#[case("idempotency_keys", "tenant_isolation_idempotency_keys", &["users"])]
#[case("jobs", "tenant_isolation_jobs", &["users"])]
#[case("executions", "tenant_isolation_executions", &["jobs"])]
#[case("matches", "tenant_isolation_matches", &["executions", "jobs"])]
#[case("unmatched", "tenant_isolation_unmatched", &["executions", "jobs"])]
#[case("reports", "tenant_isolation_reports", &["executions", "jobs"])]
#[case("webhooks", "tenant_isolation_webhooks", &["users"])]
#[case("audit_logs", "tenant_isolation_audit_logs", &["users", "api_keys"])]
#[case("security_events", "tenant_isolation_security_events", &["users", "api_keys", "users"])]
#[case("feature_flags", "tenant_isolation_feature_flags", &["users"])]
#[case("snapshots", "tenant_isolation_snapshots", &["event_store"])]
#[case("dead_letter_queue", "tenant_isolation_dlq", &["event_store"])]
fn a_row_points_only_at_what_its_tenant_sees(
    #[from(settler)] mut db: Sandbox,
    #[case] table: &str,
    #[case] policy: &str,
    #[case] asked: &[&str],
) {
    let sql =
        |what: &str| format!("SELECT {what} FROM pg_policies WHERE tablename = '{table}' AND policyname = '{policy}'");
    db.check(query(sql("permissive || ' ' || cmd || ' ' || qual")).returns(format!("PERMISSIVE ALL {OWN}")));
    let check = r"regexp_replace(with_check, '\s+', ' ', 'g')";
    let parts = r"(SELECT string_agg(m[1], ' ') FROM regexp_matches(with_check, 'FROM (\w+)', 'g') m)";
    db.check(query(sql(&format!("{check} LIKE '%{OWN}%'"))).returns("t"));
    db.check(query(sql(parts)).returns(asked.join(" ")));
}

#[rstest]
fn what_is_for_everybody_is_seen_by_each_tenant(
    #[from(settler)] mut db: Sandbox,
    #[values("feature_flags", "blocked_ips")] name: &str,
) {
    let shared = "((tenant_id IS NULL) AND (current_tenant_id() IS NOT NULL))";
    db.check(table(name).policy(format!("shared_{name}"), PolicyCommand::Select).using(shared));
}

#[rstest]
fn a_tenant_sees_itself(#[from(settler)] mut db: Sandbox) {
    let own = "(id = current_tenant_id())";
    db.check(table("tenants").policy("tenant_isolation_tenants", PolicyCommand::Select).using(own));
}

#[rstest]
fn no_tenant_sees_the_secrets_of_adapters(#[from(settler)] mut db: Sandbox) {
    let never = table("webhook_configs").policy("operator_only_webhook_configs", PolicyCommand::All);
    db.check(never.using("false").with_check("false"));
}

/// Every policy is one of those above, or belongs to one of the two tables whose tenant is found through another table.
#[rstest]
fn no_policy_goes_unproven(#[from(settler)] mut db: Sandbox) {
    db.check(query("SELECT count(*) FROM pg_policies WHERE schemaname = 'public'").returns("29"));
}
