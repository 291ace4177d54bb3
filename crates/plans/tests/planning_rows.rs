//! Rows for planning in every table of `fixtures/rows`, without any configuration, and for the tables that cannot have
//! as many as they should the reason, all in one run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use pgproof_catalog::{Catalog, RelationKind};
use pgproof_plans::{planning_template, shortages};
use pgproof_runner::{Sandbox, config::Config, isolation::Template};
use pgproof_sql::with_causes;

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
    println!("{file}: {filled} of {} tables, in {} ms", tables.len(), started.elapsed().as_millis());
    (filled, tables.len(), text)
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
