//! Tenant isolation: no tenant reaches another's rows, in any of the ways that row security can fail to stop.

use pgproof::fixture::Tenants;
use rstest::rstest;

use crate::settler_tenants;

#[rstest]
fn no_tenant_reaches_another(#[from(settler_tenants)] mut db: Tenants) {
    db.check_isolation();
}
