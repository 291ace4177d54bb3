//! The planning database of a schema: a clone with generated rows, exact statistics and pinned settings, in which a
//! query has the same plan on every machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pgproof_runner::config::ConfigError;
use pgproof_runner::{isolation::IsolationError, isolation::SchemaContext, isolation::Template};
use pgproof_runner::{migration::MigrationError, migration::run_script};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::identifier;
use pgproof_sql::with_causes;

use super::config::Plans;
use super::generator::Generator;
use super::settings;
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
    /// PostgreSQL rejects the generated rows.
    #[error(
        "table {table} does not take generated rows; give expressions for its columns in [schemas.{schema}.plans.tables.{table}.columns]"
    )]
    Load {
        /// The schema.
        schema: String,
        /// The table.
        table: String,
        /// Why.
        source: DatabaseError,
    },
    /// A foreign key references rows that do not exist.
    #[error(
        "generated rows of {table} reference rows of {referenced} that were not made ({constraint}): a unique key of {referenced} dropped some; give expressions for its columns in [schemas.{schema}.plans.tables.{referenced}.columns]"
    )]
    Orphans {
        /// The schema.
        schema: String,
        /// The referencing table.
        table: String,
        /// The referenced table.
        referenced: String,
        /// The foreign key.
        constraint: String,
    },
    /// Several tables could not be filled.
    #[error("{} tables could not be filled:\n{}", .problems.len(), listed(.problems))]
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
    /// The session failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn listed(problems: &[PlanningError]) -> String {
    problems.iter().map(|problem| with_causes(problem)).collect::<Vec<_>>().join("\n")
}

/// The planning database of a schema, created from the schema's template at the first call in this process.
pub fn planning_template(schema: &Arc<Template>) -> Result<Arc<Template>, IsolationError> {
    schema.derived("planning", build)
}

fn build(session: &mut Session, context: &SchemaContext) -> Result<String, PlanningError> {
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
    load(session, &schema, &generator)?;
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

/// Loads all tables once, in order. Triggers are disabled meanwhile, including those of foreign keys: the keys are
/// checked afterwards, for all rows at once.
fn load(session: &mut Session, schema: &str, generator: &Generator<'_>) -> Result<(), PlanningError> {
    // VACUUM cannot mark a page all-visible while its commit record is still to be written.
    session.run("SET session_replication_role = replica; SET synchronous_commit = on")?;
    let (tables, mut problems) = (generator.order(), Vec::new());
    for table in tables.iter().filter(|table| generator.rows(table) > 0) {
        let insert = generator.insert(session, table)?;
        let (schema, table) = (schema.to_owned(), table.name.clone());
        match session.run(&insert) {
            Ok(()) => {}
            Err(source @ DatabaseError::Reported(_)) => problems.push(PlanningError::Load { schema, table, source }),
            Err(error) => return Err(error.into()),
        }
    }
    session.run("SET session_replication_role = origin")?;
    // Rows that reference those of an empty table are no problem of their own.
    if !problems.is_empty() {
        return Err(all(problems));
    }
    for table in tables {
        let keys = generator.catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::ForeignKey);
        for key in keys {
            let Some(references) = &key.references else { continue };
            let pairs = key.columns.iter().zip(&references.columns);
            let equal: Vec<_> =
                pairs.map(|(own, other)| format!("p.{} = c.{}", identifier(other), identifier(own))).collect();
            let set: Vec<_> = key.columns.iter().map(|own| format!("c.{} IS NOT NULL", identifier(own))).collect();
            let orphans = format!(
                "SELECT EXISTS (SELECT FROM {} c WHERE {} AND NOT EXISTS (SELECT FROM {} p WHERE {}))",
                table.sql(),
                set.join(" AND "),
                references.qualified_name().sql(),
                equal.join(" AND ")
            );
            if session.value(&orphans)?.as_deref() == Some("t") {
                problems.push(PlanningError::Orphans {
                    schema: schema.to_owned(),
                    table: table.name.clone(),
                    referenced: references.table.clone(),
                    constraint: key.name.clone(),
                });
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(all(problems)) }
}

/// One problem, or all of them.
fn all(mut problems: Vec<PlanningError>) -> PlanningError {
    match problems.pop() {
        Some(problem) if problems.is_empty() => problem,
        last => {
            problems.extend(last);
            PlanningError::Tables { problems }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlannedTable;
    use pgproof_runner::isolation::CloneDatabase;
    use pgproof_sql::QualifiedName;

    fn loaded(sql: &str, given: &Rows) -> (Session, Result<(), PlanningError>) {
        loaded_with(sql, given, std::collections::BTreeMap::new())
    }

    fn loaded_with(
        sql: &str,
        given: &Rows,
        tables: std::collections::BTreeMap<QualifiedName, PlannedTable>,
    ) -> (Session, Result<(), PlanningError>) {
        let mut session = CloneDatabase::scratch().unwrap().session().unwrap();
        session.run(sql).unwrap();
        let plans = Plans {
            queries: "queries".into(),
            snapshots: "snapshots".into(),
            role: None,
            setup: None,
            rows: 300,
            tables,
            settings: std::collections::BTreeMap::new(),
        };
        let catalog = Catalog::read(&mut session).unwrap();
        let result = demand_known("shop", &plans, &catalog)
            .and_then(|()| load(&mut session, "shop", &Generator { catalog: &catalog, plans: &plans, given }));
        (session, result)
    }

    #[test]
    fn deferrable_keys_and_types_of_every_kind_are_filled() {
        let (mut session, result) = loaded(
            "CREATE DOMAIN year AS int CHECK (VALUE BETWEEN 1901 AND 2155);
             CREATE TYPE place AS (street text, house int);
             CREATE TABLE t (id int PRIMARY KEY DEFERRABLE, label text NOT NULL UNIQUE DEFERRABLE, built year NOT NULL,
                 at place NOT NULL, during daterange NOT NULL, digest bytea NOT NULL CHECK (octet_length(digest) = 32))",
            &Rows::default(),
        );
        result.unwrap();
        assert_eq!(session.value("SELECT count(*) FROM t").unwrap().as_deref(), Some("300"));
    }

    #[test]
    fn a_table_is_planned_under_its_own_name_only() {
        let sql = "CREATE TABLE \"Order.Items\" (id int PRIMARY KEY); CREATE SCHEMA old;
                   CREATE TABLE items (id int PRIMARY KEY); CREATE TABLE old.items (id int PRIMARY KEY);";
        let planned = |rows| PlannedTable { rows: Some(rows), ..PlannedTable::default() };
        let tables = [("\"Order.Items\"".into(), planned(7)), ("items".into(), planned(8))];
        let (mut session, result) = loaded_with(sql, &Rows::default(), tables.into());
        result.unwrap();
        let counts = "SELECT concat_ws(' ', (SELECT count(*) FROM \"Order.Items\"), (SELECT count(*) FROM items),
                                            (SELECT count(*) FROM old.items))";
        assert_eq!(session.value(counts).unwrap().as_deref(), Some("7 8 300"));
    }

    #[test]
    fn a_name_that_is_no_table_is_an_error_with_the_name_that_was_meant() {
        let sql = "CREATE TABLE orders (id int PRIMARY KEY, total int); CREATE VIEW totals AS SELECT total FROM orders;
                   CREATE SCHEMA old; CREATE TABLE old.bills (id int)";
        let problem = |name: &str, column: Option<&str>| {
            let columns = column.map(|column| (column.into(), "n".to_owned())).into_iter().collect();
            let tables = [(name.into(), PlannedTable { rows: None, columns })].into();
            loaded_with(sql, &Rows::default(), tables).1.unwrap_err().to_string()
        };
        insta::assert_snapshot!(problem("ordrs", None), @"[schemas.shop.plans.tables] names table ordrs, which does not exist; did you mean orders?");
        insta::assert_snapshot!(problem("public.ordrs", None), @"[schemas.shop.plans.tables] names table public.ordrs, which does not exist; did you mean public.orders?");
        insta::assert_snapshot!(problem("bills", None), @"[schemas.shop.plans.tables] names table bills, which does not exist; did you mean old.bills?");
        insta::assert_snapshot!(problem("totals", None), @"[schemas.shop.plans.tables] names totals, which is a view, not a table");
        insta::assert_snapshot!(problem("orders", Some("totl")), @"[schemas.shop.plans.tables] names column orders.totl, which does not exist; did you mean total?");
    }

    #[test]
    fn every_table_that_cannot_be_filled_is_reported() {
        let sql = "CREATE TABLE a (id int PRIMARY KEY, x int NOT NULL, y int NOT NULL, CHECK (x = y * 1000 + 1));
                   CREATE TABLE b (id int PRIMARY KEY);
                   CREATE TABLE c (id int PRIMARY KEY, CHECK (false))";
        let (_, result) = loaded(sql, &Rows::default());
        insta::assert_snapshot!(result.unwrap_err(), @r#"
        2 tables could not be filled:
        table a does not take generated rows; give expressions for its columns in [schemas.shop.plans.tables.a.columns]: error 23514 check_violation: new row for relation "a" violates check constraint "a_check"
        detail: Failing row contains (1, 69, 68).
        table c does not take generated rows; give expressions for its columns in [schemas.shop.plans.tables.c.columns]: error 23514 check_violation: new row for relation "c" violates check constraint "c_check"
        detail: Failing row contains (1).
        "#);
        let columns = [("x", "n * 1000 + 1"), ("y", "n")].map(|(name, value)| (name.into(), value.to_owned()));
        let (_, result) = loaded(sql, &Rows::of("a".into(), columns.into()));
        assert!(matches!(result, Err(PlanningError::Load { table, .. }) if table == "c"));
    }
}
