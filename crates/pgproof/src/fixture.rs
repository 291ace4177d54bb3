//! The databases that a suite's fixtures provide to its tests. If one is not available, the test fails, and `verify`
//! ends with "could not run" instead of "refuted".

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pgproof_runner::behind;
use pgproof_runner::config::{ConfigError, Part, Subsystem};
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_runner::{isolation::IsolationError, isolation::Template};
use pgproof_runner::{migration::MigrationError, migration::run_script};
use pgproof_sql::quote::literal;
use pgproof_sql::with_causes;

use pgproof_assertions::assertion::Assertion;
use pgproof_assertions::check::{Check, fail};
use pgproof_plans::{AllRows, PlannedQuery, Plans, WorkloadError, WorkloadQuery, shortages};
use pgproof_plans::{check_snapshots, planning_template, read_workload};
use pgproof_tenancy::{Tenancy, isolation_matrix};

use crate::configuration;

/// A sandbox on the schema with this name in `pgproof.toml`.
#[track_caller]
pub fn sandbox(schema: &str) -> Sandbox {
    let sandbox = or_fail(schema, template(schema).and_then(Sandbox::on));
    plan_ahead(&sandbox);
    sandbox
}

/// Starts creating the planning database while other tests run: a full run needs it, and it takes longest.
fn plan_ahead(sandbox: &Sandbox) {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    let configured = sandbox.context().configured().is_some_and(|(_, schema)| schema.has(Subsystem::Plans));
    let can_be_made = configured && sandbox.template().in_use().is_none();
    if can_be_made && pgproof_runner::process::is_whole_run() && !BEGUN.swap(true, Ordering::Relaxed) {
        let template = Arc::clone(sandbox.template());
        // The test that requests the database gets its error.
        std::thread::spawn(move || planning_template(&template).map(|_| ()));
    }
}

/// A separate database, for what a sandbox cannot hold.
#[track_caller]
pub fn clone_database(schema: &str) -> CloneDatabase {
    or_fail(schema, template(schema).and_then(|template| CloneDatabase::copy_of(&template)))
}

/// A sandbox on the migrated schema, with the role that works for one tenant at a time. In its session, the setting
/// that names the tenant has never been set.
#[track_caller]
pub fn tenancy(schema: &str) -> Tenants {
    let template = or_fail(schema, template(schema).and_then(|template| tenants_template(&template)));
    let sandbox = or_fail(schema, Sandbox::alone(&template, |_| Ok(())));
    let tenancy = part(&sandbox, "the schema has no tenancy in pgproof.toml");
    Tenants { sandbox, tenancy }
}

/// A sandbox, and the configuration of its tenant isolation.
pub struct Tenants {
    sandbox: Sandbox,
    tenancy: Arc<Tenancy>,
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
        let role = self.tenancy.role.sql();
        self.sandbox.run(&format!("SELECT set_config({setting}, {}, true); SET LOCAL ROLE {role}", literal(tenant)))
    }

    /// From here on, statements run as the role, for no tenant.
    pub fn become_nobody(&mut self) -> Result<(), pgproof_server::DatabaseError> {
        self.sandbox.run(&format!("SET LOCAL ROLE {}", self.tenancy.role.sql()))
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
        let tenancy = context.part::<Tenancy>()?;
        let setup = tenancy.as_ref().and_then(|tenancy| tenancy.setup.as_ref());
        if let (Some((config, _)), Some(setup)) = (context.configured(), setup) {
            run_script(session, &config.root, &config.path(setup))?;
        }
        Ok::<_, TenantsError>(String::new())
    })
}

/// The planning database of a schema, with its queries.
#[track_caller]
pub fn planning(schema: &str) -> Planning {
    let template = template(schema).and_then(|template| planning_template(&template));
    let sandbox = or_fail(schema, template.and_then(Sandbox::on));
    let plans = part::<Plans>(&sandbox, "the schema has no plans in pgproof.toml");
    let path = |relative: &Path| {
        sandbox.context().configured().map_or_else(|| relative.to_path_buf(), |(config, _)| config.path(relative))
    };
    let (directory, snapshots) = (path(&plans.queries), path(&plans.snapshots));
    let queries = sandbox.context().cache().get(|| read_workload(&directory, &plans.queries));
    let queries = queries.unwrap_or_else(|error| fail(schema, "queries", "can be read", &with_causes(&error), None));
    Planning { sandbox, queries, role: plans.role.clone(), snapshots, shown: plans.queries.clone() }
}

/// A sandbox on the planning database, and the queries planned in it.
pub struct Planning {
    sandbox: Sandbox,
    queries: Arc<Vec<WorkloadQuery>>,
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
        // Only what the planning database lacks is worth a line.
        let is_short = !shortages(self.sandbox.context()).is_empty();
        let all_rows = is_short.then(|| Box::new(AllRows) as Box<dyn Assertion>);
        self.sandbox.check_all(boxed.chain([Box::new(no_orphans) as Box<dyn Assertion>]).chain(all_rows));
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

/// The template of a schema. An error in any table of the configuration is an error of every test.
fn template(schema: &str) -> Result<Arc<Template>, IsolationError> {
    Template::in_config(configuration::find, schema)
}

/// What a subsystem reads of the configuration, which this fixture needs.
#[track_caller]
fn part<T: Part>(sandbox: &Sandbox, missing: &str) -> Arc<T> {
    let context = sandbox.context();
    match context.part() {
        Ok(Some(part)) => part,
        Ok(None) => fail(context.name(), "database", "is ready", missing, None),
        Err(error) => fail(context.name(), "database", "is ready", &with_causes(&error), None),
    }
}

/// Why the role that works for one tenant at a time is missing.
#[derive(Debug, thiserror::Error)]
enum TenantsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

#[track_caller]
fn or_fail<T>(schema: &str, result: Result<T, IsolationError>) -> T {
    result.unwrap_or_else(|error| fail(schema, "database", "is ready", &with_causes(&error), error.database_error()))
}
