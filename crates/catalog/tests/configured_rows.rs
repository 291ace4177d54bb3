//! `[schemas.NAME.rows]`: values that `pgproof.toml` gives are used for every row that is generated; a name that does not
//! exist is an error.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use pgproof_catalog::row::RowGenerator;
use pgproof_runner::{Sandbox, config::Config, isolation::Template};
use pgproof_sql::with_causes;

/// A sandbox of a project with one migration and these rows in its configuration.
fn sandbox(name: &str, rows: &str) -> Sandbox {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sql")).unwrap();
    let sql = "CREATE TABLE orders (id int PRIMARY KEY, number text NOT NULL UNIQUE CHECK (md5(number) <> number AND number ~ '^A-(?!0)[0-9]+$'), note text);
               CREATE TABLE lines (id int PRIMARY KEY, \"order\" int NOT NULL REFERENCES orders);";
    std::fs::write(dir.path().join("sql/001_orders.sql"), sql).unwrap();
    let toml = format!(
        "[schemas.{name}]\nmigrations = \"sql\"\nsuite = {{ package = \"p\", test = \"t\" }}\n{}",
        rows.replace("NAME", name)
    );
    let file = dir.path().join("pgproof.toml");
    std::fs::write(&file, toml).unwrap();
    Sandbox::on(Template::in_config(|| Config::read(&file), name).unwrap()).unwrap()
}

#[test]
fn values_are_taken_from_the_configuration() {
    let mut db = sandbox("shop", "[schemas.NAME.rows.orders]\nnumber = \"'A-' || n + 1\"\nnote = \"upper('x')\"\n");
    let mut generator = RowGenerator::of(&mut db).unwrap();
    for _ in 0..3 {
        generator.insert(&mut db, "lines", &[]).unwrap();
    }
    let found = db.value("SELECT count(*) FROM orders WHERE number LIKE 'A-%' AND note = 'X'").unwrap();
    assert_eq!(found.as_deref(), Some("3"));
}

#[test]
fn a_clone_has_the_search_path_and_the_settings_of_its_database() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sql")).unwrap();
    let sql = "CREATE SCHEMA \"Back Office\"; CREATE TABLE baskets (id int PRIMARY KEY); CREATE TABLE log (basket int NOT NULL);
               CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END $$;
               CREATE TRIGGER note AFTER INSERT ON baskets FOR EACH ROW EXECUTE FUNCTION note();
               DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET app.tenant TO %L', current_database(), 'a, b');
                           EXECUTE format('ALTER DATABASE %I SET statement_timeout TO 77000', current_database()); END $$;";
    std::fs::write(dir.path().join("sql/001_shop.sql"), sql).unwrap();
    let toml = "[schemas.path]\nmigrations = \"sql\"\nsearch_path = [\"Back Office\", \"public\"]\nsuite = { package = \"p\", test = \"t\" }\n";
    let file = dir.path().join("pgproof.toml");
    std::fs::write(&file, toml).unwrap();
    let mut db = Sandbox::on(Template::in_config(|| Config::read(&file), "path").unwrap()).unwrap();
    RowGenerator::of(&mut db).unwrap().insert(&mut db, "baskets", &[]).unwrap();
    assert_eq!(db.value("SELECT count(*) FROM \"Back Office\".log").unwrap().as_deref(), Some("1"));
    assert_eq!(db.value("SHOW app.tenant").unwrap().as_deref(), Some("a, b"));
}

#[test]
fn names_and_values_that_do_not_fit_are_errors() {
    let problem = |name: &str, rows: &str| {
        let mut db = sandbox(name, rows);
        let mut generator = RowGenerator::of(&mut db).unwrap();
        with_causes(&generator.insert(&mut db, "lines", &[]).expect_err("no row"))
    };
    insta::assert_snapshot!(problem("one", "[schemas.NAME.rows.ordrs]\nnumber = \"'A'\"\n"), @"[schemas.one.rows] names table ordrs, which does not exist; did you mean orders?");
    insta::assert_snapshot!(problem("two", "[schemas.NAME.rows.orders]\nnumbr = \"'A'\"\n"), @"[schemas.two.rows] names column orders.numbr, which does not exist; did you mean number?");
    let wrong = problem("three", "[schemas.NAME.rows.orders]\nid = \"'A'\"\n");
    assert!(wrong.starts_with("[schemas.three.rows.orders] id is no value of type integer"), "{wrong}");
}

#[test]
fn advice_has_the_name_of_the_schema() {
    let mut db = sandbox("bank", "");
    db.alter("CREATE TABLE t (a int NOT NULL, CHECK (a > 5 AND a < 5))").unwrap();
    let error = RowGenerator::of(&mut db).unwrap().insert(&mut db, "t", &[]).unwrap_err();
    let message = with_causes(&error);
    assert!(message.ends_with("give its columns values in [schemas.bank.rows.t]"), "{message}");
}
