//! Prepares a run: the suites' binaries, a server, a migrated template and a few clones for each schema. Cargo and
//! PostgreSQL work in parallel.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use pgproof_runner::isolation::Owners;
use pgproof_runner::migration::Applied;
use pgproof_runner::{Config, Schema};
use pgproof_runner::{isolation::build_template, isolation::prepare_clones};
use pgproof_runner::{process::Ready, process::RunContext};
use pgproof_server::{Server, ServerOptions};
use pgproof_sql::Migration;

use crate::suite::{self, Binary, at_once};
use crate::terminal::Progress;

/// The migrations to apply, by schema.
pub(crate) type Migrations = BTreeMap<String, Vec<Migration>>;

/// Everything that a run needs.
pub(crate) struct Prepared {
    pub(crate) server: Server,
    pub(crate) run_context: RunContext,
    pub(crate) applied: BTreeMap<String, Vec<Applied>>,
    pub(crate) binaries: BTreeMap<String, Binary>,
    /// How long cargo still took after the databases were ready.
    pub(crate) building: Duration,
}

/// Builds the suites while the server starts and the migrations are applied.
pub(crate) fn prepare(
    config: &Config,
    schemas: &[Schema],
    migrations: &Migrations,
    options: &ServerOptions,
    progress: &Progress,
) -> anyhow::Result<Prepared> {
    progress.step("starting PostgreSQL and building the suites");
    std::thread::scope(|scope| {
        let building = scope.spawn(|| suite::build(config, schemas));
        let databases = databases(schemas, migrations, options);
        let ready = Instant::now();
        let binaries = building.join().map_err(|_| anyhow!("the thread that builds the suites panicked"))?;
        // A failed migration takes precedence over a failed build.
        let (server, run_context, applied) = databases?;
        Ok(Prepared { server, run_context, applied, binaries: binaries?, building: ready.elapsed() })
    })
}

type Databases = (Server, RunContext, BTreeMap<String, Vec<Applied>>);

fn databases(schemas: &[Schema], migrations: &Migrations, options: &ServerOptions) -> anyhow::Result<Databases> {
    let server = Server::start(options)?;
    let handle = server.handle().clone();
    let owners = Owners::default();
    let mut ready = BTreeMap::new();
    let mut applied = BTreeMap::new();
    for schema in schemas {
        let of_schema = migrations.get(&schema.name).map(Vec::as_slice).unwrap_or_default();
        let (built, migrations) = build_template(&handle, schema, of_schema, &owners)?;
        let clones = prepare_clones(&handle, schema, &built, at_once())?;
        ready.insert(schema.name.clone(), Ready { clones, ..built });
        applied.insert(schema.name.clone(), migrations);
    }
    Ok((server, RunContext::new(handle, ready), applied))
}
