//! The planning database of a schema: a clone with generated rows, exact statistics and pinned settings, in which a
//! query has the same plan on every machine.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgproof_runner::Sandbox;
use pgproof_runner::config::{Config, ConfigError};
use pgproof_runner::{isolation::IsolationError, isolation::SchemaContext, isolation::Template};
use pgproof_runner::{migration::MigrationError, migration::run_script};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::identifier;
use pgproof_sql::with_causes;

use super::config::Plans;
use super::filling::Filling;
use super::generator::Generator;
use super::settings;
use super::shortage;
use pgproof_catalog::row::{RowError, Rows};
use pgproof_catalog::{Catalog, ConstraintKind, Misnamed, Relation, RelationKind};

/// Up to this size, ANALYZE's default sample holds every row; beyond it, the statistics target of one column is raised
/// (300 rows per unit of the target: `src/backend/commands/analyze.c`).
const SAMPLED_WHOLE: u64 = 30_000;
const ROWS_FOR_A_UNIT: u64 = 300;
const MOST_UNITS: u64 = 10_000;

/// How long snapshots of other sessions may hold up VACUUM.
const VISIBLE_DEADLINE: Duration = Duration::from_secs(20);

/// Why the planning database is not available.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanningError {
    /// The schema has no queries.
    #[error("schema {schema} has no [schemas.{schema}.plans] in pgproof.toml")]
    NotConfigured {
        /// The schema.
        schema: String,
    },
    /// The configuration is malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration names a table or column that does not exist.
    #[error("[schemas.{schema}.plans.tables] names {misnamed}")]
    Misnamed {
        /// The schema.
        schema: String,
        /// What is wrong with the name.
        misnamed: Box<Misnamed>,
    },
    /// The setup cannot be read or run.
    #[error(transparent)]
    Setup(#[from] MigrationError),
    /// A configured expression is no value of its column.
    #[error("the expression for column {table}.{column} in pgproof.toml (schema {schema}) is no value of type {ty}")]
    Expression {
        /// The schema.
        schema: String,
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        ty: String,
        /// Why.
        source: Box<DatabaseError>,
    },
    /// The expressions of several tables are wrong.
    #[error("the expressions of {} tables are wrong:\n{}", .problems.len(), listed(.problems))]
    Tables {
        /// Why, table by table.
        problems: Vec<PlanningError>,
    },
    /// The values for generated rows are for a table or column that does not exist.
    #[error(transparent)]
    Row(#[from] RowError),
    /// VACUUM left pages that are not all-visible: another session holds a snapshot.
    #[error("VACUUM could not mark all pages of {table} visible within {} s: another session holds a snapshot", VISIBLE_DEADLINE.as_secs())]
    NotVisible {
        /// The table.
        table: String,
    },
    /// There is no sandbox in which rows are searched.
    #[error(transparent)]
    Search(#[from] IsolationError),
    /// The session failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn listed(problems: &[PlanningError]) -> String {
    problems.iter().map(|problem| with_causes(problem)).collect::<Vec<_>>().join("\n")
}

/// The planning database of a schema, created from the schema's template at the first call in this process.
pub fn planning_template(schema: &Arc<Template>) -> Result<Arc<Template>, IsolationError> {
    schema.derived("planning", |session, context| build(session, context, schema))
}

fn build(session: &mut Session, context: &SchemaContext, template: &Arc<Template>) -> Result<String, PlanningError> {
    let schema = context.name().to_owned();
    let (Some((config, _)), Some(plans)) = (context.configured(), context.part::<Plans>()?) else {
        return Err(PlanningError::NotConfigured { schema });
    };
    let (plans, given) = (&*plans, &*context.part::<Rows>()?.unwrap_or_default());
    if let Some(setup) = &plans.setup {
        run_script(session, &config.root, &config.path(setup))?;
    }
    let pinned = settings::pin(session, &plans.settings)?;
    session.run(&pinned)?;
    let catalog = Catalog::read(session)?;
    demand_known(&schema, plans, &catalog)?;
    given.demand_known(&catalog).map_err(|name| RowError::misnamed(&schema, name))?;
    let generator = Generator { catalog: &catalog, plans, given };
    let setup = plans.setup.as_deref().map(|setup| (config, setup));
    let open = || searched(template, setup);
    let shortages = Filling::of(session, &schema, &generator, &open).fill()?;
    shortage::keep(context, shortages);
    for table in generator.order() {
        exact_statistics(session, &catalog, table)?;
    }
    // Queries of the system catalogs are not part of the workload.
    let views: Vec<_> = catalog.relations.iter().filter(|r| r.kind == RelationKind::MaterializedView).collect();
    for view in &views {
        session.run(&format!("REFRESH MATERIALIZED VIEW {}", view.sql()))?;
    }
    let tables = catalog.tables().chain(views).map(Relation::sql).collect::<Vec<_>>().join(", ");
    make_visible(session, &tables)?;
    session.run(&format!("ANALYZE {tables}"))?;
    Ok(pinned)
}

/// Vacuums until every page is all-visible. The snapshot of a session that is just starting, even in another database,
/// may hold up VACUUM for a moment; ANALYZE runs afterwards, so that it counts every row once.
fn make_visible(session: &mut Session, tables: &str) -> Result<(), PlanningError> {
    let invisible = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'm') AND relallvisible <> relpages \
                     AND relnamespace::regnamespace::text !~ '^pg_' AND relnamespace::regnamespace::text <> 'information_schema'";
    let started = Instant::now();
    loop {
        session.run(&format!("VACUUM {tables}"))?;
        match session.value(invisible)? {
            None => return Ok(()),
            Some(table) if started.elapsed() > VISIBLE_DEADLINE => return Err(PlanningError::NotVisible { table }),
            Some(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn demand_known(schema: &str, plans: &Plans, catalog: &Catalog) -> Result<(), PlanningError> {
    let wrong = |name| PlanningError::Misnamed { schema: schema.to_owned(), misnamed: Box::new(name) };
    for (name, planned) in &plans.tables {
        catalog.table_named(name).map_err(wrong)?;
        planned.columns.keys().try_for_each(|column| catalog.column_named(name, column).map(drop)).map_err(wrong)?;
    }
    Ok(())
}

/// A sandbox in which rows are searched: on the schema, with what the setup makes.
fn searched(schema: &Arc<Template>, setup: Option<(&Config, &Path)>) -> Result<Sandbox, PlanningError> {
    let mut sandbox = match setup {
        Some((config, setup)) => Sandbox::alone(schema, |session| -> Result<(), PlanningError> {
            Ok(run_script(session, &config.root, &config.path(setup))?)
        })?,
        None => Sandbox::on(Arc::clone(schema))?,
    };
    // Triggers rest, as they do when the rows are stored. The setup may have changed the schema.
    sandbox.alter("SET LOCAL session_replication_role = replica")?;
    Ok(sandbox)
}

/// Makes ANALYZE read every row of a large table. The target of one column determines the sample size; the others keep
/// their targets, and so the same kind of statistics as in production.
fn exact_statistics(session: &mut Session, catalog: &Catalog, table: &Relation) -> Result<(), DatabaseError> {
    let rows = session.value(&format!("SELECT count(*) FROM {}", table.sql()))?.and_then(|rows| rows.parse().ok());
    let rows: u64 = rows.unwrap_or(0);
    if rows <= SAMPLED_WHOLE {
        return Ok(());
    }
    let key = catalog.constraints_of(table).find(|c| c.kind == ConstraintKind::PrimaryKey);
    let column = key.and_then(|key| key.columns.first()).or_else(|| table.columns.first().map(|column| &column.name));
    let Some(column) = column else { return Ok(()) };
    let units = rows.div_ceil(ROWS_FOR_A_UNIT).min(MOST_UNITS);
    session.run(&format!("ALTER TABLE {} ALTER COLUMN {} SET STATISTICS {units}", table.sql(), identifier(column)))
}
