//! Migration execution: what each file reports, and that it can be re-run and rolled back.

use pgproof::migration::Applied;
use pgproof::prelude::*;
use rstest::rstest;

use crate::{opportunity, opportunity_clone};

/// The number of statements of each kind in a file.
fn count(applied: &Applied, kind: &str) -> usize {
    applied.statements.iter().filter(|statement| statement.kind == kind).count()
}

#[rstest]
#[case(0, &[("CREATE EXTENSION", 1), ("CREATE TABLE", 1), ("CREATE INDEX", 2), ("COMMENT ON", 2)])]
#[case(1, &[("CREATE EXTENSION", 1), ("CREATE TABLE", 8), ("CREATE INDEX", 15), ("COMMENT ON", 20)])]
#[case(2, &[("INSERT", 1)])]
#[case(3, &[("CREATE TABLE", 1), ("CREATE INDEX", 2), ("COMMENT ON", 2)])]
fn a_file_does_what_its_step_says(
    #[from(opportunity_clone)] db: CloneDatabase,
    #[case] step: usize,
    #[case] promised: &[(&str, usize)],
) {
    let migrations = db.context().migrations().unwrap();
    let applied = db.apply(&migrations[step..=step]).unwrap();
    for (kind, at_least) in promised {
        let (found, file) = (count(&applied[0], kind), applied[0].file.display().to_string());
        let runs = format!("runs {kind} at least {at_least} times");
        db.observe(file, runs).holds(found >= *at_least, format!("it runs it {found} times"));
    }
}

#[rstest]
fn pgcrypto_is_installed_and_works(#[from(opportunity)] mut db: Sandbox) {
    db.check(extension("pgcrypto").is_installed());
    let digest = "SELECT encode(digest('abc', 'sha256'), 'hex')";
    db.check(query(digest).returns("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

#[rstest]
fn the_seed_inserts_seven_rows(#[from(opportunity_clone)] db: CloneDatabase) {
    db.session().unwrap().run("DELETE FROM opportunity_thresholds").unwrap();
    let migrations = db.context().migrations().unwrap();
    let rows = db.apply(&migrations[2..3]).unwrap()[0].statements[0].rows;
    db.observe("003_threshold_seed.sql", "reports INSERT 0 7").equals(rows, 7);
}

/// Rows with their physical location: a row that was rewritten with the same values has moved.
const EVERY_ROW: &str =
    "SELECT string_agg(t::text || ctid::text || xmin::text, E'\\n' ORDER BY metric) FROM opportunity_thresholds t";

#[rstest]
fn a_second_run_changes_no_row(#[from(opportunity_clone)] db: CloneDatabase) {
    let rows = || db.session().unwrap().value(EVERY_ROW).unwrap();
    let before = rows();
    let migrations = db.context().migrations().unwrap();
    let applied = db.apply(&migrations).unwrap();
    db.observe("003_threshold_seed.sql", "inserts nothing a second time").equals(applied[2].statements[0].rows, 0);
    db.observe("a second run", "leaves every row in its place").equals(rows(), before);
}

#[rstest]
fn an_edited_threshold_is_set_back(#[from(opportunity_clone)] db: CloneDatabase) {
    let edit = "UPDATE opportunity_thresholds SET threshold_value = 99 WHERE metric = 'review_velocity'";
    db.session().unwrap().run(edit).unwrap();
    let migrations = db.context().migrations().unwrap();
    let rows = db.apply(&migrations[2..3]).unwrap()[0].statements[0].rows;
    db.observe("003_threshold_seed.sql", "writes only the row that was edited").equals(rows, 1);
    let value = "SELECT threshold_value FROM opportunity_thresholds WHERE metric = 'review_velocity'";
    let value = db.session().unwrap().value(value).unwrap();
    db.observe("003_threshold_seed.sql", "sets an edited threshold back").equals(value.as_deref(), Some("10.0000"));
}

const TABLES: &str = "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";

#[rstest]
fn every_step_can_be_rolled_back_and_run_again(#[from(opportunity_clone)] db: CloneDatabase) {
    let tables = || db.session().unwrap().value(TABLES).unwrap();
    let before = tables();
    let rollbacks = db.context().rollbacks().unwrap();
    let numbers: Vec<u64> = rollbacks.iter().map(|rollback| rollback.number).collect();
    db.observe("the rollbacks", "are one a step, the last step first").equals(numbers, [4, 3, 2, 1]);
    db.apply(&rollbacks).unwrap();
    db.observe("the rollbacks", "leave no table").equals(tables().as_deref(), Some(""));
    db.apply(&db.context().migrations().unwrap()).unwrap();
    db.observe("the migrations", "create the same tables after a rollback").equals(tables(), before);
}

#[rstest]
fn all_steps_can_be_rolled_back_at_once(#[from(opportunity_clone)] db: CloneDatabase) {
    let file = db.context().file("sql/opportunity/rollback/all.sql").unwrap();
    let source = pgproof::migration::Source::read(file.parent().unwrap(), &file).unwrap();
    let mut session = db.session().unwrap();
    for statement in pgproof::migration::split(source, file.parent().unwrap()).unwrap() {
        session.run(&statement.text).unwrap();
    }
    db.observe("rollback/all.sql", "leaves no table").equals(session.value(TABLES).unwrap().as_deref(), Some(""));
    db.apply(&db.context().migrations().unwrap()).unwrap();
    let rows = session.value("SELECT count(*) FROM opportunity_thresholds").unwrap();
    db.observe("the migrations", "seed seven thresholds after a rollback").equals(rows.as_deref(), Some("7"));
}
