//! The names that `pgproof.toml` gives to tables: quoted, in a schema, or both.

use pgproof_runner::isolation::Template;
use pgproof_sql::with_causes;
use pgproof_tenancy::{Attack, Tenancy, Verdict, isolation_matrix};

#[test]
fn tables_are_found_by_their_names_however_they_are_written() {
    let schema = "
        CREATE SCHEMA shop;
        CREATE TABLE shop.\"Order.Items\" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant int NOT NULL);
        CREATE TABLE jobs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant int NOT NULL);
        CREATE TABLE \"Rates\" (currency text);
        CREATE ROLE written_role; GRANT USAGE ON SCHEMA shop TO written_role;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, shop TO written_role;";
    // The names that pgproof.toml gives are read from it as well.
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("pgproof.toml");
    let text = r#"
        [schemas.written]
        migrations = "sql"
        suite = { package = "p", test = "t" }
        tenancy.role = "written_role"
        tenancy.setting = "app.tenant"
        tenancy.column = "tenant"
        tenancy.shared.'public."Rates"' = "the same for everybody"
        tenancy.accepted = [{ attack = "select", tables = ["public.jobs", 'shop."Order.Items"'], reason = "known" }]"#;
    std::fs::write(&file, text).expect("a file");
    let config = pgproof_runner::Config::read(&file).expect("a configuration");
    let tenancy = config.schema("written").expect("it").part::<Tenancy>().expect("a good table").expect("it");
    let template = Template::scratch().expect("a server").derived("written", |session, _| {
        session.run(schema)?;
        Ok::<_, pgproof_server::DatabaseError>(String::new())
    });
    let template = template.unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    let matrix = isolation_matrix(&template, &tenancy).unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    let row = |table: &str| matrix.rows.iter().find(|row| row.table == table && !row.no_tenant).expect("the table");
    for table in ["jobs", "shop.\"Order.Items\""] {
        assert_eq!(row(table).verdict(Attack::Select), Verdict::Accepted, "{table}");
    }
    assert_eq!(matrix.unfounded, [""; 0]);
    assert_eq!(row("Rates").decision.as_deref(), Some("the same for everybody"));
}
