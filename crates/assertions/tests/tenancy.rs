//! The tenant isolation matrix on schemas of other kinds than those under proof: tenants with numbers, keys of several
//! columns, tables whose tenant is found through others; and one on which every attack succeeds.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use pgproof_assertions::tenancy::{Attack, Matrix, TenancyError, Verdict, isolation_matrix};
use pgproof_runner::config::{Accepted, Tenancy};
use pgproof_runner::isolation::Template;
use pgproof_runner::with_causes;

fn tenancy(role: &str) -> Tenancy {
    Tenancy {
        role: role.to_owned(),
        setup: None,
        setting: "app.tenant".to_owned(),
        column: "tenant".to_owned(),
        through: BTreeMap::new(),
        shared: BTreeMap::new(),
        closed: BTreeMap::new(),
        accepted: Vec::new(),
    }
}

/// The matrix of a database in which `schema` was run and in which the role `NAME_role` has all privileges on tables.
fn tried(name: &str, schema: &str, tenancy: &Tenancy) -> Result<Matrix, TenancyError> {
    let template = Template::scratch().expect("a server");
    let template = template
        .derived(name, |session, _| {
            session.run(schema)?;
            session.run(&format!(
                "CREATE ROLE {name}_role; GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}_role;
                 REVOKE TRUNCATE ON ALL TABLES IN SCHEMA public FROM {name}_role;
                 GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}_role"
            ))?;
            Ok::<_, pgproof_runner::DatabaseError>(String::new())
        })
        .unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    isolation_matrix(&template, tenancy)
}

/// The attacks on a table that ended in one of these ways.
fn attacks(matrix: &Matrix, table: &str, verdicts: &[Verdict]) -> Vec<&'static str> {
    let row = matrix.rows.iter().find(|row| row.table == table && !row.no_tenant).expect("the table");
    let ended = |attack: &&Attack| verdicts.contains(&row.verdict(**attack));
    Attack::ALL.iter().filter(ended).map(|attack| attack.name()).collect()
}

const REACHED: &[Verdict] = &[Verdict::Leaks, Verdict::Hides, Verdict::Accepted];

/// Row security of a table whose rows name their tenant.
fn protected(table: &str) -> String {
    format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
         CREATE POLICY own ON {table} USING (tenant = nullif(current_setting('app.tenant', true), '')::int);"
    )
}

/// Keys that hold the tenant, so that neither they nor references tell anything of another's rows.
fn well_kept() -> String {
    let tables = "
        CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL);
        ALTER TABLE tenants ENABLE ROW LEVEL SECURITY; ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON tenants FOR SELECT USING (id = nullif(current_setting('app.tenant', true), '')::int);
        CREATE TABLE customers (tenant int NOT NULL REFERENCES tenants, number int, name text NOT NULL,
            PRIMARY KEY (tenant, number));
        CREATE TABLE orders (tenant int NOT NULL REFERENCES tenants, number int, customer int NOT NULL, total numeric,
            PRIMARY KEY (tenant, number),
            FOREIGN KEY (tenant, customer) REFERENCES customers ON DELETE CASCADE);
        CREATE FUNCTION totals(p_customer int) RETURNS SETOF numeric LANGUAGE sql STABLE
            AS 'SELECT total FROM orders WHERE customer = p_customer';";
    format!("{tables} {} {}", protected("customers"), protected("orders"))
}

#[test]
fn keys_that_hold_the_tenant_tell_nothing() {
    let matrix = tried("well_kept", &well_kept(), &tenancy("well_kept_role")).expect("a matrix");
    for table in ["customers", "orders"] {
        assert_eq!(attacks(&matrix, table, REACHED), [""; 0], "{table}");
    }
    // A tenant may not make tenants, so that only the number of another one is told.
    assert_eq!(attacks(&matrix, "tenants", REACHED), [""; 0]);
    let tried = attacks(&matrix, "orders", &[Verdict::Isolated, Verdict::Refused]);
    for attack in
        ["select", "move", "reference", "cascade", "unique", "oracle", "function", "unset", "empty", "switched"]
    {
        assert!(tried.contains(&attack), "{attack} was not tried: {tried:?}");
    }
}

#[test]
fn where_nothing_is_protected_every_attack_succeeds() {
    let schema = "
        CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL);
        CREATE TABLE users (id serial PRIMARY KEY, tenant int REFERENCES tenants, name text UNIQUE);
        CREATE TABLE jobs (id serial PRIMARY KEY, tenant int REFERENCES tenants, name text UNIQUE NOT NULL,
            \"user\" int NOT NULL REFERENCES users ON DELETE CASCADE);
        CREATE TABLE old_jobs () INHERITS (jobs);
        CREATE VIEW names AS SELECT name FROM jobs;
        CREATE MATERIALIZED VIEW counts AS SELECT count(*) FROM jobs;
        CREATE FUNCTION job_names() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT name FROM jobs ORDER BY 1';";
    let matrix = tried("open", schema, &tenancy("open_role")).expect("a matrix");
    let mut missed: Vec<&str> = Attack::ALL.iter().map(|attack| attack.name()).collect();
    let reached = attacks(&matrix, "jobs", &[Verdict::Leaks]);
    missed.retain(|name| !reached.contains(name));
    // TRUNCATE was not granted; a reference that is accepted needs no oracle.
    let merge = if Template::scratch().expect("a server").major() < 15 { vec!["merge"] } else { Vec::new() };
    assert_eq!(missed, [merge, vec!["truncate", "oracle"]].concat());
}

#[test]
fn a_tenant_that_is_found_through_another_table() {
    let schema = format!(
        "{} CREATE TABLE lines (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_of int NOT NULL, number int NOT NULL,
             text text NOT NULL DEFAULT '', FOREIGN KEY (tenant_of, number) REFERENCES orders ON DELETE CASCADE);
         CREATE TABLE notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), line uuid NOT NULL REFERENCES lines);
         ALTER TABLE lines ENABLE ROW LEVEL SECURITY; ALTER TABLE lines FORCE ROW LEVEL SECURITY;
         CREATE POLICY own ON lines USING (EXISTS (SELECT FROM orders o WHERE (o.tenant, o.number) = (lines.tenant_of, lines.number)));",
        well_kept()
    );
    let mut tenancy = tenancy("through_role");
    tenancy.accepted.push(Accepted {
        attack: "unique".to_owned(),
        tables: vec!["*".to_owned()],
        by: vec!["*_pkey".to_owned()],
        reason: "random".to_owned(),
    });
    let matrix = tried("through", &schema, &tenancy).expect("a matrix");
    assert_eq!(attacks(&matrix, "lines", &[Verdict::Leaks, Verdict::Hides]), [""; 0]);
    // Notes are two steps from the column, and nobody protected them.
    let reached = attacks(&matrix, "notes", &[Verdict::Leaks]);
    for attack in ["select", "insert", "update", "move", "delete", "unset", "switched"] {
        assert!(reached.contains(&attack), "{attack} did not succeed: {reached:?}");
    }
}

#[test]
fn a_plan_that_keeps_the_first_tenant_is_found() {
    // A function that lies about being immutable is computed once a plan, for whoever asked first.
    let schema = "
        CREATE FUNCTION me() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT nullif(current_setting('app.tenant', true), '')::int $$;
        CREATE TABLE things (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant int NOT NULL);
        ALTER TABLE things ENABLE ROW LEVEL SECURITY; ALTER TABLE things FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON things USING (tenant = me());";
    let matrix = tried("lying", schema, &tenancy("lying_role")).expect("a matrix");
    assert_eq!(attacks(&matrix, "things", REACHED), ["unique", "switched"]);
}

#[test]
fn what_cannot_be_tried_is_an_error_that_says_what_to_do() {
    let refused = |name: &str, schema: &str, change: &dyn Fn(&mut Tenancy)| {
        let mut tenancy = tenancy(&format!("{name}_role"));
        change(&mut tenancy);
        tried(name, schema, &tenancy).expect_err("refused").to_string()
    };
    let schema = "CREATE TABLE a (tenant int NOT NULL); CREATE TABLE b (id int)";
    let error = refused("super", schema, &|tenancy| tenancy.role = "postgres".to_owned());
    assert!(error.starts_with("role postgres is a superuser: policies do not bind it"), "{error}");
    let error = refused("missing", schema, &|tenancy| tenancy.role = "nobody_here".to_owned());
    assert!(error.starts_with("role nobody_here does not exist"), "{error}");
    let error = refused("column", schema, &|tenancy| tenancy.column = "company".to_owned());
    assert!(error.starts_with("no table has a column \"company\""), "{error}");
    let error = refused("named", schema, &|tenancy| drop(tenancy.shared.insert("c".to_owned(), String::new())));
    assert_eq!(error, "there is no table c, which tenancy in pgproof.toml names");
    let two = "CREATE TABLE a (id int PRIMARY KEY, tenant int NOT NULL);
               CREATE TABLE b (one int NOT NULL REFERENCES a, two int NOT NULL REFERENCES a)";
    let error = refused("several", two, &|_| {});
    assert!(error.starts_with("b references rows of tenants through one and two; say in tenancy.through"), "{error}");
}
