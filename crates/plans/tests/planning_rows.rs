//! Rows for planning in every table of `fixtures/rows`, without any configuration, and for the tables that cannot have
//! as many as they should the reason, all in one run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use pgproof_assertions::assertion::Assertion;
use pgproof_assertions::query::query;
use pgproof_catalog::{Catalog, ConstraintKind, RelationKind};
use pgproof_plans::{AllRows, PlanClaims, planning_template, shortages};
use pgproof_runner::{Sandbox, config::Config, isolation::Template};
use pgproof_server::Attempt;
use pgproof_sql::quote::identifier;
use pgproof_sql::{QualifiedName, with_causes};

/// How many rows each table should have.
const ROWS: u64 = 50;

/// The planning database of a project with one migration.
fn planned(name: &str, sql: &str, more: &str) -> Result<Sandbox, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sql")).unwrap();
    std::fs::write(dir.path().join("sql/001_tables.sql"), sql).unwrap();
    let toml = format!(
        "[schemas.{name}]\nmigrations = \"sql\"\nsuite = {{ package = \"p\", test = \"t\" }}\n\
         [schemas.{name}.plans]\nqueries = \"q\"\nsnapshots = \"s\"\nrows = {ROWS}\n{more}"
    );
    let file = dir.path().join("pgproof.toml");
    std::fs::write(&file, toml).unwrap();
    let schema = Template::in_config(|| Config::read(&file), name).map_err(|error| with_causes(&error))?;
    let template = planning_template(&schema).map_err(|error| with_causes(&error))?;
    Ok(Sandbox::on(template).unwrap())
}

/// What is short in a file's planning database, and how many tables there are.
fn short(file: &str) -> (usize, usize, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rows").join(format!("{file}.sql"));
    let started = Instant::now();
    // Each statement of a migration is a transaction of its own here.
    let sql = std::fs::read_to_string(path).unwrap().replace("SET LOCAL", "SET");
    let mut db = planned(file, &sql, "").unwrap();
    let told: Vec<_> = shortages(db.context());
    let (mut filled, mut text) = (0, String::new());
    let catalog = Catalog::of(&mut db).unwrap();
    let tables: Vec<_> = catalog.tables().collect();
    for table in &tables {
        let only = if table.kind == RelationKind::PartitionedTable { "" } else { "ONLY " };
        let rows = db.value(&format!("SELECT count(*) FROM {only}{}", table.sql())).unwrap().unwrap();
        let rows: u64 = rows.parse().unwrap();
        // The rows of a table are distributed over its partitions.
        if rows >= if table.is_partition { 1 } else { ROWS } {
            filled += 1;
            continue;
        }
        let name = catalog.shown(&table.qualified_name());
        match told.iter().find(|shortage| shortage.table == name) {
            Some(shortage) => writeln!(text, "{file}: {shortage}").unwrap(),
            None => writeln!(text, "{file}: table {name} has {rows} rows").unwrap(),
        }
    }
    assert_eq!(broken(&mut db), Vec::<String>::new(), "{file}");
    println!("{file}: {filled} of {} tables, in {} ms", tables.len(), started.elapsed().as_millis());
    (filled, tables.len(), text)
}

/// The foreign keys, by name, that rows of a database break, and the tables whose keys are not unique.
fn broken(db: &mut Sandbox) -> Vec<String> {
    let mut broken = Vec::new();
    let catalog = Catalog::of(db).unwrap();
    for key in catalog.constraints.iter().filter(|key| key.kind == ConstraintKind::ForeignKey) {
        // For each partition of a referenced table there is a key as well, which references the partition alone.
        let Some(references) = key.references.as_ref() else { continue };
        let parent = catalog.table(&references.qualified_name()).unwrap();
        if parent.is_partition {
            continue;
        }
        let table = QualifiedName::in_schema(&key.schema, key.table.as_deref().unwrap()).sql();
        let (mut set, mut same) = (Vec::new(), Vec::new());
        for (own, other) in key.columns.iter().zip(&references.columns) {
            set.push(format!("c.{} IS NOT NULL", identifier(own)));
            same.push(format!("c.{} = p.{}", identifier(own), identifier(other)));
        }
        let (set, same, parent) = (set.join(" AND "), same.join(" AND "), parent.sql());
        let sql =
            format!("SELECT count(*) FROM {table} c WHERE {set} AND NOT EXISTS (SELECT FROM {parent} p WHERE {same})");
        if db.value(&sql).unwrap().as_deref() != Some("0") {
            broken.push(key.name.clone());
        }
    }
    // Building an index finds what breaks a unique key or an exclusion constraint.
    for table in catalog.tables().filter(|table| table.kind == RelationKind::Table) {
        if let Attempt::Refused(why) = db.attempt(&format!("REINDEX TABLE {}", table.sql())).unwrap() {
            broken.push(format!("{}: {}", table.name, why.message));
        }
    }
    broken
}

#[test]
fn nearly_every_table_has_all_its_rows() {
    const FILES: &[&str] = &["types", "checks", "keys", "partitions", "seeds", "triggers", "schemas"];
    let (mut filled, mut all, mut rest) = (0, 0, String::new());
    for file in FILES {
        let (some, of, short) = short(file);
        (filled, all) = (filled + some, all + of);
        rest.push_str(&short);
    }
    insta::assert_snapshot!(format!("{filled} of {all} tables\n{rest}"));
}

fn value(db: &mut Sandbox, sql: &str) -> String {
    db.value(sql).unwrap().unwrap_or_default()
}

#[test]
fn all_tables_that_cannot_be_filled_are_named_in_one_run() {
    let sql = "CREATE TABLE never (id int PRIMARY KEY, CHECK (false));
               CREATE TABLE opposed (low int NOT NULL, high int NOT NULL, CHECK (low < high), CHECK (high < low));
               CREATE TABLE unpartitioned (id int NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
               CREATE TABLE notes (id int PRIMARY KEY, never int NOT NULL REFERENCES never);
               CREATE TABLE fine (id int PRIMARY KEY, never int REFERENCES never);";
    let mut db = planned("unfillable", sql, "").unwrap();
    assert_eq!(value(&mut db, "SELECT count(*) FROM fine"), "50");
    assert_eq!(broken(&mut db), Vec::<String>::new());
    let told: Vec<_> = shortages(db.context()).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
    // No plan of them is silently proven.
    query("SELECT * FROM never WHERE id = 1").never_scans("fine").check(&mut db).unwrap();
    let noted = db.notes().take().undecided.unwrap();
    assert!(noted.starts_with("in the planning database table never has 0 of 50 rows: "), "{noted}");
    query("SELECT * FROM fine WHERE id = 1").never_scans("never").check(&mut db).unwrap();
    assert_eq!(db.notes().take().undecided, None);
    AllRows.check(&mut db).unwrap();
    let noted = db.notes().take().undecided.unwrap();
    assert!(["never", "opposed", "unpartitioned", "notes"].iter().all(|table| noted.contains(table)), "{noted}");
}

#[test]
fn references_are_spread_evenly_over_what_is_there() {
    let sql = "CREATE TABLE kinds (kind text PRIMARY KEY CHECK (kind IN ('a', 'b', 'c', 'd', 'e')));
               CREATE TABLE things (id int PRIMARY KEY, kind text NOT NULL REFERENCES kinds, low int NOT NULL, high int NOT NULL, CHECK (low = high * 1000 + 1));
               CREATE TABLE notes (kind text PRIMARY KEY REFERENCES kinds, body text NOT NULL);";
    let mut db = planned("spread", sql, "").unwrap();
    // Of each kind there can be one note.
    assert_eq!(value(&mut db, "SELECT count(*) FROM notes"), "5");
    let told: Vec<_> = shortages(db.context()).iter().map(|shortage| shortage.table.to_string()).collect();
    assert_eq!(told, ["kinds"]);
    assert_eq!(value(&mut db, "SELECT count(*) FROM kinds"), "5");
    let each = value(&mut db, "SELECT string_agg(c::text, ',') FROM (SELECT count(*) c FROM things GROUP BY kind) x");
    assert_eq!(each, "10,10,10,10,10");
}

#[test]
fn foreign_keys_in_a_circle_reference_what_is_there() {
    // Whichever comes first references rows of which only the keys' CHECK tells what they are like.
    let sql = "CREATE TABLE heads (id int PRIMARY KEY CHECK (id % 5 = 2), department int NOT NULL, low int NOT NULL, high int NOT NULL, CHECK (low = high * 1000 + 1));
               CREATE TABLE departments (id int PRIMARY KEY CHECK (id % 7 = 3), head int NOT NULL REFERENCES heads);
               ALTER TABLE heads ADD FOREIGN KEY (department) REFERENCES departments;
               CREATE TABLE locks (id text PRIMARY KEY CHECK (id ~ '^L-[0-9]{3}$'), bolt text NOT NULL UNIQUE);
               CREATE TABLE bolts (id text PRIMARY KEY CHECK (id ~ '^B-[0-9]{3}$'), lock text NOT NULL UNIQUE REFERENCES locks);
               ALTER TABLE locks ADD FOREIGN KEY (bolt) REFERENCES bolts;";
    let mut db = planned("circles", sql, "").unwrap();
    assert_eq!(broken(&mut db), Vec::<String>::new());
    let count = "SELECT concat_ws(',', (SELECT count(*) FROM heads), (SELECT count(*) FROM departments))";
    assert_eq!(value(&mut db, count), "50,50");
    // Of two tables that are each other's only one, both have as many rows as the smaller one.
    let count = "SELECT concat_ws(',', (SELECT count(*) FROM bolts), (SELECT count(*) FROM locks))";
    assert_eq!(value(&mut db, count), "41,41");
    let told: Vec<_> = shortages(db.context()).iter().map(|shortage| shortage.table.to_string()).collect();
    assert_eq!(told, ["bolts"]);
}

#[test]
fn what_the_configuration_says_wrongly_is_an_error_that_names_all_tables() {
    let sql = "CREATE TABLE a (id int PRIMARY KEY, x int NOT NULL, y int NOT NULL, CHECK (x = y * 1000 + 1));
               CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, day date NOT NULL);";
    let right = "tables.a.columns = { x = \"n * 1000 + 1\", y = \"n\" }";
    let mut db = planned("right", sql, right).unwrap();
    assert_eq!(value(&mut db, "SELECT string_agg(x::text, ',') FROM a WHERE id < 4"), "1001,2001,3001");
    let wrong = "tables.b.columns.id = \"'x' || n\"\ntables.c.columns.day = \"no\"";
    insta::assert_snapshot!(planned("wrong", sql, wrong).err().unwrap());
}

#[test]
fn rows_of_the_configuration_are_planning_rows_too() {
    let sql = "CREATE TABLE a (id int PRIMARY KEY, x int NOT NULL, y int NOT NULL, CHECK (x = y * 1000 + 1));
               CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, CHECK (false));";
    let given = "[schemas.given.rows]\na = { x = \"n * 1000 + 1\", y = \"n\" }";
    let mut db = planned("given", sql, given).unwrap();
    assert_eq!(value(&mut db, "SELECT string_agg(x::text, ',') FROM a WHERE id < 4"), "1001,2001,3001");
    assert_eq!(value(&mut db, "SELECT count(*) FROM b"), "50");
    let told: Vec<_> = shortages(db.context()).iter().map(|shortage| shortage.table.to_string()).collect();
    assert_eq!(told, ["c"]);
    let wrong = planned("given_wrongly", sql, "[schemas.given_wrongly.rows.a]\nz = \"n\"").err().unwrap();
    assert!(wrong.contains("[schemas.given_wrongly.rows] names column a.z, which does not exist"), "{wrong}");
}

#[test]
fn a_table_is_planned_under_its_own_name_only() {
    let sql = "CREATE TABLE \"Order.Items\" (id int PRIMARY KEY); CREATE SCHEMA old;
               CREATE TABLE items (id int PRIMARY KEY); CREATE TABLE old.items (id int PRIMARY KEY);";
    let tables = "tables.'\"Order.Items\"'.rows = 7\ntables.items.rows = 8";
    let mut db = planned("own_names", sql, tables).unwrap();
    let counts = "SELECT concat_ws(' ', (SELECT count(*) FROM \"Order.Items\"), (SELECT count(*) FROM items),
                                        (SELECT count(*) FROM old.items))";
    assert_eq!(value(&mut db, counts), "7 8 50");
}

#[test]
fn a_name_that_is_no_table_is_an_error_with_the_name_that_was_meant() {
    let sql = "CREATE TABLE orders (id int PRIMARY KEY, total int); CREATE VIEW totals AS SELECT total FROM orders;
               CREATE SCHEMA old; CREATE TABLE old.bills (id int);";
    let problem = |schema: &str, table: &str| planned(schema, sql, &format!("tables.{table}")).err().unwrap();
    insta::assert_snapshot!(problem("near", "ordrs.rows = 1"), @"cannot create the planning database: [schemas.near.plans.tables] names table ordrs, which does not exist; did you mean orders?");
    insta::assert_snapshot!(problem("near_there", "\"public.ordrs\".rows = 1"), @"cannot create the planning database: [schemas.near_there.plans.tables] names table public.ordrs, which does not exist; did you mean public.orders?");
    insta::assert_snapshot!(problem("elsewhere", "bills.rows = 1"), @"cannot create the planning database: [schemas.elsewhere.plans.tables] names table bills, which does not exist; did you mean old.bills?");
    insta::assert_snapshot!(problem("a_view", "totals.rows = 1"), @"cannot create the planning database: [schemas.a_view.plans.tables] names totals, which is a view, not a table");
    insta::assert_snapshot!(problem("a_column", "orders.columns.totl = \"n\""), @"cannot create the planning database: [schemas.a_column.plans.tables] names column orders.totl, which does not exist; did you mean total?");
}

#[test]
fn the_same_schema_gets_the_same_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rows/keys.sql");
    // What has a clock or random numbers as its default, too.
    let more = "CREATE TABLE clocks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), made timestamptz NOT NULL DEFAULT now(),
                seen timestamptz NOT NULL DEFAULT clock_timestamp(), low int NOT NULL, high int NOT NULL, CHECK (made <= seen), CHECK (low * 1000 = high - 1));";
    let sql = std::fs::read_to_string(path).unwrap() + more;
    let rows = |name: &str| {
        let mut db = planned(name, &sql, "").unwrap();
        let catalog = Catalog::of(&mut db).unwrap();
        let mut all = Vec::new();
        for table in catalog.tables() {
            let digest = format!("SELECT md5(string_agg(t::text, '|' ORDER BY ctid)) FROM {} t", table.sql());
            all.push(format!("{} {}", table.name, value(&mut db, &digest)));
        }
        all
    };
    assert_eq!(rows("once"), rows("again"));
}

#[test]
fn deferrable_keys_and_types_of_every_kind_are_filled() {
    let sql = "CREATE DOMAIN year AS int CHECK (VALUE BETWEEN 1901 AND 2155);
               CREATE TYPE place AS (street text, house int);
               CREATE TABLE t (id int PRIMARY KEY DEFERRABLE, label text NOT NULL UNIQUE DEFERRABLE, built year NOT NULL,
                   at place NOT NULL, during daterange NOT NULL, digest bytea NOT NULL CHECK (octet_length(digest) = 32))";
    let mut db = planned("types_and_keys", sql, "").unwrap();
    assert_eq!(value(&mut db, "SELECT count(*) FROM t"), "50");
}
