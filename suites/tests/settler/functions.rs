//! "Check functions exist": all sixteen, with their signatures; and those that can be called do what they promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use pgproof::prelude::*;
use rstest::rstest;
use serde::Deserialize;

use crate::settler;

/// A line of `functions.csv`.
#[derive(Debug, Deserialize)]
struct FunctionLine {
    function: String,
    arguments: String,
    returns: String,
    volatility: String,
}

#[rstest]
fn functions_are_as_declared(#[from(settler)] mut db: Sandbox) {
    let lines: Vec<FunctionLine> = expected(&db, "functions.csv");
    assert_eq!(lines.len(), 16);
    db.check_all(lines.iter().map(|line| {
        let volatility = if line.volatility == "stable" { Volatility::Stable } else { Volatility::Volatile };
        function(&line.function).is(&line.arguments, &line.returns).volatility(volatility)
    }));
}

const TENANT: &str = "'aaaaaaaa-0000-4000-8000-000000000000'";
const AGGREGATE: &str = "'cccccccc-0000-4000-8000-000000000000'";

fn with_tenant(db: &mut Sandbox) {
    db.run(&format!("INSERT INTO tenants (id, name, slug) VALUES ({TENANT}, 'A', 'a')")).unwrap();
}

/// A new tenant may run five jobs concurrently.
#[rstest]
fn a_quota_is_what_the_tenant_has_left(#[from(settler)] mut db: Sandbox) {
    with_tenant(&mut db);
    let asked = |jobs: u32| format!("{TENANT}, 'concurrentJobs', {jobs}");
    db.check(function("check_tenant_quota").gives(asked(5), "t"));
    db.check(function("check_tenant_quota").gives(asked(6), "f"));
    db.run(&format!("SELECT increment_tenant_quota_usage({})", asked(3))).unwrap();
    db.check(function("check_tenant_quota").gives(asked(2), "t"));
    db.check(function("check_tenant_quota").gives(asked(3), "f"));
    db.run(&format!("SELECT increment_tenant_quota_usage({TENANT}, 'concurrentJobs', -1)")).unwrap();
    db.check(function("check_tenant_quota").gives(asked(3), "t"));
    db.check(function("check_tenant_quota").gives(format!("{TENANT}, 'noSuchQuota', 1"), "f"));
    db.check(function("check_tenant_quota").gives("gen_random_uuid(), 'concurrentJobs', 1", "f"));
}

#[rstest]
#[case("storageBytes", "current_storage_bytes")]
#[case("concurrentJobs", "current_concurrent_jobs")]
#[case("monthlyReconciliations", "current_monthly_reconciliations")]
fn usage_is_counted(#[from(settler)] mut db: Sandbox, #[case] quota: &str, #[case] column: &str) {
    with_tenant(&mut db);
    for value in [7, 5, -2] {
        db.run(&format!("SELECT increment_tenant_quota_usage({TENANT}, '{quota}', {value})")).unwrap();
    }
    db.check(query(format!("SELECT {column} FROM tenant_quota_usage")).returns("10"));
    db.check(query("SELECT current_storage_bytes + current_concurrent_jobs + current_monthly_reconciliations FROM tenant_quota_usage").returns("10"));
    let unknown = db.attempt(&format!("SELECT increment_tenant_quota_usage({TENANT}, 'customDomains', 1)")).unwrap();
    assert!(matches!(unknown, pgproof::Attempt::Refused(report) if report.sqlstate == "22023"));
}

#[rstest]
fn what_is_counted_by_the_month_begins_anew(#[from(settler)] mut db: Sandbox) {
    with_tenant(&mut db);
    let use_all = format!("SELECT increment_tenant_quota_usage({TENANT}, 'monthlyReconciliations', 1000)");
    db.run(&use_all).unwrap();
    let asked = format!("{TENANT}, 'monthlyReconciliations', 1000");
    db.check(function("check_tenant_quota").gives(asked.clone(), "f"));
    db.run("UPDATE tenant_quota_usage SET last_reset_at = date_trunc('month', now()) - interval '1 second'").unwrap();
    db.check(function("check_tenant_quota").gives(asked, "t"));
    db.run(&use_all).unwrap();
    db.check(query("SELECT current_monthly_reconciliations FROM tenant_quota_usage").returns("1000"));
}

#[rstest]
fn a_block_holds_for_its_tenant_or_for_everybody(#[from(settler)] mut db: Sandbox) {
    with_tenant(&mut db);
    let insert = "INSERT INTO blocked_ips (ip, reason, tenant_id, unblocked_at) VALUES";
    db.run(&format!(
        "{insert} ('192.0.2.1', '', {TENANT}, NULL), ('192.0.2.2', '', NULL, NULL), ('192.0.2.3', '', NULL, now())"
    ))
    .unwrap();
    for (ip, tenant, blocked) in [
        ("192.0.2.1", TENANT, "t"),
        ("192.0.2.1", "gen_random_uuid()", "f"),
        ("192.0.2.2", TENANT, "t"),
        ("192.0.2.3", TENANT, "f"),
        ("192.0.2.4", TENANT, "f"),
    ] {
        db.check(function("is_ip_blocked").gives(format!("'{ip}', {tenant}"), blocked));
    }
}

#[rstest]
fn expired_tokens_are_forgotten(#[from(settler)] mut db: Sandbox) {
    db.run(
        "INSERT INTO revoked_tokens (jti, expires_at) VALUES
             ('old', now() - interval '1 day'), ('new', now() + interval '1 day')",
    )
    .unwrap();
    db.check(function("cleanup_expired_revoked_tokens").runs(""));
    db.run("SELECT cleanup_expired_revoked_tokens()").unwrap();
    db.check(query("SELECT string_agg(jti, ' ') FROM revoked_tokens").returns("new"));
}

/// Four events; snapshots after the second and the third. An event of another aggregate type does not count.
fn with_events(db: &mut Sandbox) {
    for n in 1..=4 {
        db.run(&format!(
            "INSERT INTO event_store (event_id, aggregate_id, aggregate_type, event_type, data)
             VALUES ('eeeeeeee-0000-4000-8000-00000000000{n}', {AGGREGATE}, 'job', 'e{n}', '{{}}')"
        ))
        .unwrap();
    }
    db.run(&format!(
        "INSERT INTO event_store (event_id, aggregate_id, aggregate_type, event_type, data)
             VALUES ('eeeeeeee-0000-4000-8000-000000000009', {AGGREGATE}, 'report', 'other', '{{}}');
         INSERT INTO snapshots (aggregate_id, aggregate_type, snapshot_data, snapshot_version, event_id) VALUES
             ({AGGREGATE}, 'job', '{{\"n\": 2}}', 1, 'eeeeeeee-0000-4000-8000-000000000002'),
             ({AGGREGATE}, 'job', '{{\"n\": 3}}', 2, 'eeeeeeee-0000-4000-8000-000000000003')"
    ))
    .unwrap();
}

#[rstest]
fn events_are_read_in_order_and_after_a_snapshot(#[from(settler)] mut db: Sandbox) {
    with_events(&mut db);
    let types = |call: String| query(format!("SELECT string_agg(event_type, ' ') FROM {call}"));
    db.check(types(format!("get_all_events_for_aggregate({AGGREGATE}, 'job')")).returns("e1 e2 e3 e4"));
    db.check(types(format!("get_events_after_snapshot({AGGREGATE}, 'job', 1)")).returns("e3 e4"));
    db.check(types(format!("get_events_after_snapshot({AGGREGATE}, 'job', 2)")).returns("e4"));
    db.check(types(format!("get_events_after_snapshot({AGGREGATE}, 'job', 99)")).returns("e1 e2 e3 e4"));
}

#[rstest]
fn the_latest_snapshot_is_that_of_the_highest_version(#[from(settler)] mut db: Sandbox) {
    with_events(&mut db);
    let latest =
        format!("SELECT snapshot_version || ' ' || snapshot_data FROM get_latest_snapshot({AGGREGATE}, 'job')");
    db.check(query(latest).returns("2 {\"n\": 3}"));
    db.check(query(format!("SELECT count(*) FROM get_latest_snapshot({AGGREGATE}, 'report')")).returns("0"));
}
