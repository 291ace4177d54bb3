//! The tenant isolation matrix on schemas unlike those under test: tenants identified by numbers, multicolumn keys,
//! tables whose tenant is found through others; and one on which every attack succeeds.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use pgproof_runner::isolation::Template;
use pgproof_sql::with_causes;
use pgproof_tenancy::{Accepted, AcceptedTable, Attack, Matrix, Tenancy, TenancyError, Verdict, isolation_matrix};

fn tenancy(role: &str) -> Tenancy {
    Tenancy {
        role: role.into(),
        setup: None,
        setting: "app.tenant".to_owned(),
        column: "tenant".into(),
        through: BTreeMap::new(),
        shared: BTreeMap::new(),
        operator_only: BTreeMap::new(),
        accepted: Vec::new(),
    }
}

/// The matrix of a database in which `schema` was run, and in which the role `NAME_role` has all privileges on tables.
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
            Ok::<_, pgproof_server::DatabaseError>(String::new())
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

/// Keys that include the tenant, so that neither they nor references reveal another tenant's rows.
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
    // Tenants may not create tenants, so only the number of another tenant is revealed.
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
        attack: Attack::Unique,
        tables: vec![AcceptedTable::Any],
        by: vec!["*_pkey".to_owned()],
        reason: "random".to_owned(),
    });
    let matrix = tried("through", &schema, &tenancy).expect("a matrix");
    assert_eq!(attacks(&matrix, "lines", &[Verdict::Leaks, Verdict::Hides]), [""; 0]);
    // Notes are two steps from the column, and have no policies.
    let reached = attacks(&matrix, "notes", &[Verdict::Leaks]);
    for attack in ["select", "insert", "update", "move", "delete", "unset", "switched"] {
        assert!(reached.contains(&attack), "{attack} did not succeed: {reached:?}");
    }
}

#[test]
fn a_plan_that_keeps_the_first_tenant_is_found() {
    // A function wrongly declared immutable is evaluated once per plan, for the first caller.
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
    let error = refused("super", schema, &|tenancy| tenancy.role = "postgres".into());
    assert!(error.starts_with("role postgres is a superuser: policies do not bind it"), "{error}");
    let error = refused("missing", schema, &|tenancy| tenancy.role = "nobody_here".into());
    assert!(error.starts_with("role nobody_here does not exist"), "{error}");
    let error = refused("column", schema, &|tenancy| tenancy.column = "tennant".into());
    assert!(error.starts_with("no table has a column tennant"), "{error}");
    assert!(error.ends_with("; did you mean tenant?"), "{error}");
    let error = refused("named", schema, &|tenancy| drop(tenancy.shared.insert("c".into(), String::new())));
    assert_eq!(error, "tenancy in pgproof.toml names table c, which does not exist; did you mean a?");
    let on = |table: &'static str| {
        let tables = vec![AcceptedTable::Named(table.into())];
        move |tenancy: &mut Tenancy| {
            let (tables, reason) = (tables.clone(), "r".to_owned());
            tenancy.accepted.push(Accepted { attack: Attack::Select, tables, by: Vec::new(), reason });
        }
    };
    let error = refused("accepted", schema, &on("public.bb"));
    assert_eq!(error, "tenancy in pgproof.toml names table public.bb, which does not exist; did you mean public.b?");
    let view = format!("{schema}; CREATE VIEW v AS SELECT * FROM a");
    let error = refused("view", &view, &on("v"));
    assert_eq!(error, "tenancy in pgproof.toml names v, which is a view, not a table");
    let error = refused("led", schema, &|tenancy| drop(tenancy.through.insert("b".into(), "ids".into())));
    assert_eq!(error, "tenancy in pgproof.toml names column b.ids, which does not exist; did you mean id?");
    let two = "CREATE TABLE a (id int PRIMARY KEY, tenant int NOT NULL);
               CREATE TABLE b (one int NOT NULL REFERENCES a, two int NOT NULL REFERENCES a)";
    let error = refused("several", two, &|_| {});
    assert!(error.starts_with("b references rows of tenants through one and two; say in tenancy.through"), "{error}");
}

#[test]
fn a_foreign_table_is_undecided_until_somebody_decides() {
    let schema = format!(
        "CREATE TABLE jobs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant int NOT NULL); {}
         CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER far FOREIGN DATA WRAPPER elsewhere;
         CREATE FOREIGN TABLE rates (currency text) SERVER far;",
        protected("jobs")
    );
    let decision = |name: &str, change: &dyn Fn(&mut Tenancy)| {
        let mut tenancy = tenancy(&format!("{name}_role"));
        change(&mut tenancy);
        let matrix = tried(name, &schema, &tenancy).unwrap_or_else(|error| panic!("{}", with_causes(&error)));
        let row = matrix.rows.into_iter().find(|row| row.table == "rates").expect("the table");
        (row.undecided, row.untried, row.decision)
    };
    assert_eq!(decision("far", &|_| {}), (true, None, None));
    let reason = || "the same for everybody".to_owned();
    let shared = decision("far_shared", &|tenancy| drop(tenancy.shared.insert("rates".into(), reason())));
    assert_eq!(shared, (false, None, Some(reason())));
    // Operator-only rows cannot be inserted there: the report states that this was not tried.
    let closed = decision("far_closed", &|tenancy| drop(tenancy.operator_only.insert("rates".into(), reason())));
    assert_eq!(closed, (false, Some("its rows are on another server".to_owned()), Some(reason())));
}

/// Two correctly protected tables, a shared one, and a materialized view that no tenant may read.
fn kept() -> String {
    let cur = "CREATE FUNCTION cur() RETURNS int LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('app.tenant', true), '')::int $$;";
    let tables = "
        CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL);
        ALTER TABLE tenants ENABLE ROW LEVEL SECURITY; ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON tenants FOR SELECT USING (id = cur());
        CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant int REFERENCES tenants, name text NOT NULL, phone text);
        CREATE TABLE jobs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant int NOT NULL REFERENCES tenants,
            person uuid NOT NULL REFERENCES users, name text NOT NULL, status text NOT NULL DEFAULT 'new', at timestamp NOT NULL DEFAULT now());
        CREATE TABLE logs (id uuid NOT NULL DEFAULT gen_random_uuid(), tenant int NOT NULL REFERENCES tenants, n int NOT NULL) PARTITION BY LIST (n);
        CREATE TABLE shared (id int PRIMARY KEY); INSERT INTO shared VALUES (7);
        CREATE MATERIALIZED VIEW sums AS SELECT tenant, count(*) AS n FROM jobs GROUP BY tenant;
        ALTER TABLE users ENABLE ROW LEVEL SECURITY; ALTER TABLE users FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON users USING (tenant = cur()) WITH CHECK (tenant = cur());
        ALTER TABLE jobs ENABLE ROW LEVEL SECURITY; ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON jobs USING (tenant = cur())
            WITH CHECK (tenant = cur() AND EXISTS (SELECT FROM users WHERE users.id = jobs.person));
        ALTER TABLE logs ENABLE ROW LEVEL SECURITY; ALTER TABLE logs FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON logs USING (tenant = cur());
        CREATE TABLE logs_1 PARTITION OF logs DEFAULT;
        ALTER TABLE logs_1 ENABLE ROW LEVEL SECURITY; ALTER TABLE logs_1 FORCE ROW LEVEL SECURITY;";
    format!("{cur} {tables}")
}

/// The matrix of that schema with an addition; keys are random, and revealing that one exists is accepted.
fn with(name: &str, added: &str) -> Matrix {
    let mut tenancy = tenancy(&format!("{name}_role"));
    tenancy.shared.insert("shared".into(), "for everybody".to_owned());
    tenancy.accepted.push(Accepted {
        attack: Attack::Unique,
        tables: vec![AcceptedTable::Any],
        by: vec!["*_pkey".to_owned()],
        reason: "random".to_owned(),
    });
    let schema = format!("{} {added}", kept());
    let template = Template::scratch().expect("a server");
    let template = template.derived(name, |session, _| {
        session.run(&schema)?;
        session.run(&format!(
            "CREATE ROLE {name}_role; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}_role;
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}_role; REVOKE ALL ON sums FROM {name}_role;
             DO $$ BEGIN IF to_regclass('few') IS NOT NULL THEN REVOKE ALL ON few FROM {name}_role; GRANT SELECT (a, b) ON few TO {name}_role; END IF; END $$"
        ))
        .map(|()| String::new())
    });
    let template = template.unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    isolation_matrix(&template, &tenancy).unwrap_or_else(|error| panic!("{}", with_causes(&error)))
}

/// All leaks, as `table: attack`; rows without a tenant are marked.
fn leaks(matrix: &Matrix) -> Vec<String> {
    let told = |row: &pgproof_tenancy::MatrixRow| {
        let of = if row.no_tenant { " of no tenant" } else { "" };
        let reached = Attack::ALL.iter().filter(|attack| row.verdict(**attack) >= Verdict::Hides);
        reached.map(|attack| format!("{}{of}: {attack}", row.table)).collect::<Vec<_>>()
    };
    matrix.rows.iter().flat_map(told).collect()
}

#[rstest::rstest]
#[case::update_policy_that_the_select_policy_hides(
    "update_hole", "DROP POLICY own ON users; CREATE POLICY sees ON users FOR SELECT USING (tenant = cur()); CREATE POLICY adds ON users FOR INSERT WITH CHECK (tenant = cur());
     CREATE POLICY removes ON users FOR DELETE USING (tenant = cur()); CREATE POLICY changes ON users FOR UPDATE USING (true) WITH CHECK (tenant = cur());",
    &["users: update", "users: merge"]
)]
#[case::theft_that_takes_references_along(
    "theft", "DROP POLICY own ON jobs; CREATE POLICY sees ON jobs FOR SELECT USING (tenant = cur()); CREATE POLICY removes ON jobs FOR DELETE USING (tenant = cur());
     CREATE POLICY adds ON jobs FOR INSERT WITH CHECK (tenant = cur() AND EXISTS (SELECT FROM users WHERE users.id = jobs.person));
     CREATE POLICY changes ON jobs FOR UPDATE USING (true) WITH CHECK (tenant = cur() AND EXISTS (SELECT FROM users WHERE users.id = jobs.person));",
    &["jobs: update"]
)]
#[case::function_of_times(
    "times", "CREATE FUNCTION jobs_between(p_from timestamp, p_to timestamp) RETURNS SETOF jobs LANGUAGE sql STABLE SECURITY DEFINER
     AS 'SELECT * FROM jobs WHERE at BETWEEN p_from AND p_to';",
    &["jobs: function", "jobs: unset"]
)]
#[case::function_for_nobody(
    "nobodys", "CREATE FUNCTION my_jobs() RETURNS SETOF jobs LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT * FROM jobs WHERE tenant = cur() OR cur() IS NULL';",
    &["jobs: unset", "jobs: empty"]
)]
#[case::function_that_is_other_each_time(
    "other_each", "CREATE FUNCTION export() RETURNS TABLE (a uuid, b text) LANGUAGE sql SECURITY DEFINER AS 'SELECT gen_random_uuid(), name FROM jobs';",
    &["jobs: function"]
)]
#[case::function_over_the_summary(
    "summary", "CREATE FUNCTION all_sums() RETURNS TABLE (a int, b bigint) LANGUAGE sql SECURITY DEFINER AS 'SELECT tenant, n FROM sums';",
    &["tenants: function"]
)]
#[case::view_that_opens_for_nobody(
    "opens", "CREATE VIEW own_sums WITH (security_barrier) AS SELECT * FROM sums WHERE tenant = cur() OR cur() IS NULL;",
    &["tenants: unset"]
)]
#[case::columns_of_a_view(
    "columns", "CREATE VIEW few AS SELECT name AS a, status AS b, id AS c FROM jobs;",
    &["jobs: view"]
)]
#[case::publishing("publishing", "CREATE POLICY away ON users FOR UPDATE USING (tenant = cur()) WITH CHECK (tenant IS NULL);", &["users of no tenant: move"])]
#[case::unset_makes_rows_of_no_tenant(
    "makes", "CREATE POLICY nobodys ON users FOR INSERT WITH CHECK (tenant IS NOT DISTINCT FROM cur());",
    &["users of no tenant: unset"]
)]
#[case::nullable_key("nullable", "CREATE UNIQUE INDEX phones ON users (phone);", &["users: unique"])]
#[case::references_of_rows_that_are_there(
    "rows_there", "DROP POLICY own ON jobs; CREATE POLICY sees ON jobs FOR SELECT USING (tenant = cur()); CREATE POLICY removes ON jobs FOR DELETE USING (tenant = cur());
     CREATE POLICY adds ON jobs FOR INSERT WITH CHECK (tenant = cur() AND EXISTS (SELECT FROM users WHERE users.id = jobs.person));
     CREATE POLICY changes ON jobs FOR UPDATE USING (tenant = cur()) WITH CHECK (tenant = cur());",
    &["jobs: reference"]
)]
#[case::partition_in_the_middle(
    "middle", "CREATE TABLE logs_mid PARTITION OF logs FOR VALUES IN (1, 2) PARTITION BY LIST (n); CREATE TABLE logs_leaf PARTITION OF logs_mid DEFAULT;
     ALTER TABLE logs_leaf ENABLE ROW LEVEL SECURITY; ALTER TABLE logs_leaf FORCE ROW LEVEL SECURITY;",
    &["logs: child"]
)]
#[case::insert_into_a_partition("into", "CREATE POLICY adds ON logs_1 FOR INSERT WITH CHECK (true);", &["logs: child"])]
#[case::sequence_that_no_column_owns(
    "unowned", "CREATE SEQUENCE bills MINVALUE 100000; ALTER TABLE users ADD bill bigint NOT NULL DEFAULT nextval('bills');",
    &["users: sequence"]
)]
fn a_hole_is_found(#[case] name: &str, #[case] added: &str, #[case] expected: &[&str]) {
    let found = leaks(&with(name, added));
    let has_merge = Template::scratch().expect("a server").major() >= 15;
    for leak in expected.iter().filter(|leak| has_merge || !leak.ends_with("merge")) {
        assert!(found.iter().any(|found| found == leak), "{leak} not in {found:?}");
    }
}

/// Cases that are not leaks and must not be reported as such.
#[rstest::rstest]
#[case::as_it_is("as_it_is", "")]
#[case::tenant_from_the_setting(
    "from_setting",
    "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.tenant := cur(); RETURN NEW; END';
     CREATE TRIGGER mine BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION mine();"
)]
#[case::row_that_a_trigger_makes(
    "quota", "CREATE TABLE quotas (tenant int PRIMARY KEY REFERENCES tenants, n int); ALTER TABLE quotas ENABLE ROW LEVEL SECURITY; ALTER TABLE quotas FORCE ROW LEVEL SECURITY;
     CREATE POLICY own ON quotas USING (tenant = cur());
     CREATE FUNCTION quota() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO quotas VALUES (NEW.id, 1); RETURN NEW; END';
     CREATE TRIGGER quota AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION quota();"
)]
#[case::what_is_shared(
    "of_shared",
    "CREATE VIEW all_shared AS SELECT * FROM shared; CREATE FUNCTION shared_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM shared';"
)]
#[case::keys_in_a_circle(
    "circle", "CREATE TABLE parts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), job uuid NOT NULL REFERENCES jobs); ALTER TABLE jobs ADD last_part uuid REFERENCES parts;
     ALTER TABLE parts ENABLE ROW LEVEL SECURITY; ALTER TABLE parts FORCE ROW LEVEL SECURITY;
     CREATE POLICY own ON parts USING (EXISTS (SELECT FROM jobs WHERE jobs.id = parts.job));
     DROP POLICY own ON jobs; CREATE POLICY own ON jobs USING (tenant = cur())
         WITH CHECK (tenant = cur() AND EXISTS (SELECT FROM users WHERE users.id = jobs.person) AND last_part IS NULL);"
)]
fn what_is_kept_is_not_called_open(#[case] name: &str, #[case] added: &str) {
    let matrix = with(name, added);
    assert_eq!(leaks(&matrix), [""; 0]);
    assert!(matrix.rows.iter().all(|row| row.untried.is_none() && !row.undecided), "{:?}", matrix.rows);
}

#[test]
fn a_role_that_can_become_one_that_policies_do_not_bind() {
    let schema = "CREATE TABLE a (tenant int NOT NULL); CREATE ROLE member_boss NOLOGIN BYPASSRLS; CREATE ROLE member_user; GRANT member_boss TO member_user";
    let error = tried("member", schema, &tenancy("member_user")).expect_err("refused").to_string();
    assert!(error.starts_with("role member_user is a member of member_boss, which policies do not bind"), "{error}");
}
