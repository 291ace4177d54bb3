//! The databases that a suite's fixtures provide to its tests. If one is not available, the test fails, and `verify`
//! ends with "could not run" instead of "refuted".

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pgproof_runner::behind;
use pgproof_runner::config::Tenancy;
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_runner::{isolation::IsolationError, isolation::Template};
use pgproof_runner::{migration::MigrationError, migration::run_script};
use pgproof_sql::with_causes;
use pgproof_sql::{quote::identifier, quote::literal};

use pgproof_assertions::assertion::Assertion;
use pgproof_assertions::check::{Check, fail};
use pgproof_plans::{PlannedQuery, WorkloadError, WorkloadQuery, check_snapshots, planning_template, read_workload};
use pgproof_tenancy::isolation_matrix;

/// A sandbox on the schema with this name in `pgproof.toml`.
#[track_caller]
pub fn sandbox(schema: &str) -> Sandbox {
    let sandbox = or_fail(schema, Sandbox::of(schema));
    plan_ahead(&sandbox);
    sandbox
}

/// Starts creating the planning database while other tests run: a full run needs it, and it takes longest.
fn plan_ahead(sandbox: &Sandbox) {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    let configured = sandbox.context().configured().is_some_and(|(_, schema)| schema.plans.is_some());
    if configured && pgproof_runner::process::is_whole_run() && !BEGUN.swap(true, Ordering::Relaxed) {
        let template = Arc::clone(sandbox.template());
        // The test that requests the database gets its error.
        std::thread::spawn(move || planning_template(&template).map(|_| ()));
    }
}

/// A separate database, for what a sandbox cannot hold.
#[track_caller]
pub fn clone_database(schema: &str) -> CloneDatabase {
    or_fail(schema, CloneDatabase::of(schema))
}

/// A sandbox on the migrated schema, with the role that works for one tenant at a time. In its session, the setting
/// that names the tenant has never been set.
#[track_caller]
pub fn tenancy(schema: &str) -> Tenants {
    let template = or_fail(schema, Template::of(schema).and_then(|template| tenants_template(&template)));
    let sandbox = or_fail(schema, Sandbox::alone(&template, |_| Ok(())));
    let Some(tenancy) = sandbox.context().configured().and_then(|(_, schema)| schema.tenancy.clone()) else {
        fail(schema, "database", "is ready", "the schema has no tenancy in pgproof.toml", None)
    };
    Tenants { sandbox, tenancy }
}

/// A sandbox, and the configuration of its tenant isolation.
pub struct Tenants {
    sandbox: Sandbox,
    tenancy: Tenancy,
}

impl Tenants {
    /// No tenant reaches another's rows: tries every attack on every table.
    #[track_caller]
    pub fn check_isolation(&mut self) {
        let matrix = isolation_matrix(self.sandbox.template(), &self.tenancy);
        let name = self.sandbox.context().name().to_owned();
        let matrix =
            matrix.unwrap_or_else(|error| fail(&name, "tenants", "can be tried", &with_causes(&error), behind(&error)));
        self.sandbox.check_all(matrix.assertions());
    }

    /// From here on, statements run as the role, for this tenant.
    pub fn become_tenant(&mut self, tenant: &str) -> Result<(), pgproof_server::DatabaseError> {
        let setting = literal(&self.tenancy.setting);
        let role = identifier(&self.tenancy.role);
        self.sandbox.run(&format!("SELECT set_config({setting}, {}, true); SET LOCAL ROLE {role}", literal(tenant)))
    }

    /// From here on, statements run as the role, for no tenant.
    pub fn become_nobody(&mut self) -> Result<(), pgproof_server::DatabaseError> {
        self.sandbox.run(&format!("SET LOCAL ROLE {}", identifier(&self.tenancy.role)))
    }
}

impl Deref for Tenants {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl DerefMut for Tenants {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.sandbox
    }
}

/// The migrated schema with the role that works for one tenant at a time.
fn tenants_template(schema: &Arc<Template>) -> Result<Arc<Template>, IsolationError> {
    schema.derived("tenancy", |session, context| {
        let setup =
            context.configured().and_then(|(config, schema)| Some((config, schema.tenancy.as_ref()?.setup.as_ref()?)));
        if let Some((config, setup)) = setup {
            run_script(session, &config.root, &config.path(setup))?;
        }
        Ok::<_, MigrationError>(String::new())
    })
}

/// The planning database of a schema, with its queries.
#[track_caller]
pub fn planning(schema: &str) -> Planning {
    let template = Template::of(schema).and_then(|template| planning_template(&template));
    let sandbox = or_fail(schema, template.and_then(Sandbox::on));
    let Some((config, plans)) = sandbox.context().configured().and_then(|(c, s)| Some((c.clone(), s.plans.clone()?)))
    else {
        fail(schema, "database", "is ready", "the schema has no plans in pgproof.toml", None)
    };
    let queries = read_workload(&config.path(&plans.queries), &plans.queries)
        .unwrap_or_else(|error| fail(schema, "queries", "can be read", &with_causes(&error), None));
    Planning { sandbox, queries, role: plans.role, snapshots: config.path(&plans.snapshots), shown: plans.queries }
}

/// A sandbox on the planning database, and the queries planned in it.
pub struct Planning {
    sandbox: Sandbox,
    queries: Vec<WorkloadQuery>,
    role: Option<String>,
    snapshots: PathBuf,
    shown: PathBuf,
}

impl Planning {
    /// The query with this name, planned as the role of the application.
    #[track_caller]
    pub fn query(&self, name: &str) -> PlannedQuery {
        if let Some(query) = self.queries.iter().find(|query| query.name == name) {
            return PlannedQuery::new(query.clone(), self.role.clone());
        }
        let error = WorkloadError::Unknown { name: name.to_owned(), directory: self.shown.clone() };
        fail(self.sandbox.context().name(), "query", "exists", &error.to_string(), None)
    }

    /// Every query has its accepted plan, and every accepted plan has its query.
    #[track_caller]
    pub fn check_snapshots(&mut self) {
        let (accepted, no_orphans) = check_snapshots(&self.queries, self.role.as_deref(), &self.snapshots);
        let boxed = accepted.into_iter().map(|one| Box::new(one) as Box<dyn Assertion>);
        self.sandbox.check_all(boxed.chain([Box::new(no_orphans) as Box<dyn Assertion>]));
    }
}

impl Deref for Planning {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl DerefMut for Planning {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.sandbox
    }
}

#[track_caller]
fn or_fail<T>(schema: &str, result: Result<T, IsolationError>) -> T {
    result.unwrap_or_else(|error| fail(schema, "database", "is ready", &with_causes(&error), error.database_error()))
}
