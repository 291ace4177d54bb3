//! The row generator: PostgreSQL accepts its rows, for randomly generated tables and for deliberately hard ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use pgproof_catalog::{row::RowError, row::RowGenerator, row::Value};
use pgproof_runner::Sandbox;
use pgproof_sql::with_causes;
use proptest::prelude::*;

fn scratch(sql: &str) -> Sandbox {
    Sandbox::scratch(sql).unwrap_or_else(|error| panic!("{}\n{sql}", with_causes(&error)))
}

/// Inserts rows into a table and returns the last one's value for a column.
fn rows(db: &mut Sandbox, table: &str, count: usize) -> Result<(), RowError> {
    let mut generator = RowGenerator::of(db)?;
    for _ in 0..count {
        generator.insert(db, table, &[])?;
    }
    Ok(())
}

#[track_caller]
fn takes_rows(sql: &str, table: &str) {
    let mut db = scratch(sql);
    rows(&mut db, table, 3).unwrap_or_else(|error| panic!("{table}: {}", with_causes(&error)));
    assert_eq!(db.value(&format!("SELECT count(*) FROM {table}")).unwrap().as_deref(), Some("3"));
}

#[test]
fn every_built_in_type_has_values() {
    const TYPES: &[&str] = &[
        "smallint",
        "integer",
        "bigint",
        "real",
        "double precision",
        "numeric",
        "numeric(4,3)",
        "numeric(3,3)",
        "money",
        "boolean",
        "text",
        "varchar(3)",
        "char(2)",
        "name",
        "\"char\"",
        "uuid",
        "date",
        "timestamp",
        "timestamptz(3)",
        "time",
        "timetz",
        "interval",
        "json",
        "jsonb",
        "jsonpath",
        "bytea",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "bit(4)",
        "varbit(5)",
        "tsvector",
        "tsquery",
        "pg_lsn",
        "point",
        "line",
        "lseg",
        "box",
        "path",
        "polygon",
        "circle",
        "int4range",
        "numrange",
        "daterange",
        "tstzrange",
        "int8multirange",
        "text[]",
        "integer[]",
        "uuid[]",
        "jsonb[]",
        "oid",
        "regclass",
    ];
    let columns: Vec<_> = TYPES.iter().enumerate().map(|(n, ty)| format!("c{n} {ty} NOT NULL")).collect();
    takes_rows(&format!("CREATE TABLE t ({})", columns.join(", ")), "t");
}

#[test]
fn user_types_have_values() {
    takes_rows(
        "CREATE TYPE colour AS ENUM ('red', 'green');
         CREATE DOMAIN positive AS int NOT NULL CHECK (VALUE > 100);
         CREATE DOMAIN email AS text CHECK (VALUE ~ '^[a-z]+@[a-z]+[.]com$');
         CREATE DOMAIN strict_email AS email CHECK (length(VALUE) > 3);
         CREATE TABLE t (a colour NOT NULL, b positive, c email NOT NULL, d strict_email NOT NULL, e colour[] NOT NULL)",
        "t",
    );
}

#[test]
fn checks_are_satisfied() {
    takes_rows(
        "CREATE TABLE t (
            a int NOT NULL CHECK (a BETWEEN 17 AND 19),
            b text NOT NULL CHECK (b IN ('x', 'y')),
            c text NOT NULL CHECK (c ~ '^[A-Z]{2}-[0-9]{4}$'),
            d text NOT NULL CHECK (length(d) = 12),
            e numeric(5,2) NOT NULL CHECK (e > 0.5 AND e < 0.75),
            f date NOT NULL, g date NOT NULL, CHECK (f < g),
            h jsonb NOT NULL CHECK (jsonb_typeof(h) = 'array'),
            i text, j text, CHECK (num_nonnulls(i, j) = 1),
            k text NOT NULL CHECK (k LIKE 'https://%'),
            l int NOT NULL, m int NOT NULL CHECK (m = l * 2),
            n text NOT NULL CHECK (n = lower(n) AND n <> ''))",
        "t",
    );
}

#[test]
fn keys_are_unique() {
    takes_rows(
        "CREATE TABLE t (a int PRIMARY KEY, b text UNIQUE NOT NULL, c date NOT NULL DEFAULT CURRENT_DATE,
            d int NOT NULL DEFAULT 1, UNIQUE (c, d), e varchar(2) NOT NULL UNIQUE);
         CREATE UNIQUE INDEX ON t (lower(b));",
        "t",
    );
}

#[test]
fn parents_come_first_and_shared_columns_agree() {
    takes_rows(
        "CREATE TABLE tenant (id uuid PRIMARY KEY);
         CREATE TABLE account (tenant uuid NOT NULL REFERENCES tenant, id int, PRIMARY KEY (tenant, id));
         CREATE TABLE product (tenant uuid NOT NULL REFERENCES tenant, id int, PRIMARY KEY (tenant, id));
         CREATE TABLE sale (tenant uuid NOT NULL REFERENCES tenant, account int NOT NULL, product int NOT NULL, replaces int,
            id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            FOREIGN KEY (tenant, account) REFERENCES account, FOREIGN KEY (tenant, product) REFERENCES product,
            FOREIGN KEY (replaces) REFERENCES sale);",
        "sale",
    );
}

#[test]
fn rows_that_reference_themselves_and_generated_columns() {
    takes_rows("CREATE TABLE t (id int PRIMARY KEY, parent int NOT NULL REFERENCES t (id))", "t");
    takes_rows(
        "CREATE TABLE t (id bigserial PRIMARY KEY, a int NOT NULL, b int GENERATED ALWAYS AS (a * 2) STORED)",
        "t",
    );
    takes_rows("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY REFERENCES p)", "t");
    takes_rows(
        "CREATE TABLE t (day date NOT NULL, n int) PARTITION BY RANGE (day); CREATE TABLE t_all PARTITION OF t DEFAULT",
        "t",
    );
}

#[test]
fn names_that_need_quotes_are_quoted() {
    let mut db = scratch(
        "CREATE TABLE \"Odd Name\" (\"Odd Column\" text NOT NULL, \"select\" int NOT NULL CHECK (\"select\" > 3))",
    );
    rows(&mut db, "Odd Name", 2).unwrap();
}

#[test]
fn foreign_keys_in_a_circle_are_satisfied_in_one_statement() {
    takes_rows(
        "CREATE TABLE t (id int PRIMARY KEY, u int NOT NULL); CREATE TABLE u (id int PRIMARY KEY, t int NOT NULL REFERENCES t);
         ALTER TABLE t ADD FOREIGN KEY (u) REFERENCES u",
        "t",
    );
}

#[test]
fn a_row_that_a_trigger_made_gives_way_to_a_draft() {
    let mut db = scratch(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (p int PRIMARY KEY REFERENCES p, note text NOT NULL);
         CREATE FUNCTION add() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (NEW.id, 'made'); RETURN NEW; END $$;
         CREATE TRIGGER add AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION add()",
    );
    let mut generator = RowGenerator::of(&mut db).unwrap();
    assert_eq!(generator.insert(&mut db, "t", &[]).unwrap().value("note"), Some("made"));
    let draft = generator.draft(&mut db, "t", &[]).unwrap();
    assert_ne!(draft.insert(&mut db).unwrap().value("note"), Some("made"));
}

#[test]
fn given_values_are_kept() {
    let mut db = scratch("CREATE TABLE t (a int NOT NULL, b text NOT NULL DEFAULT 'x', c int)");
    let mut generator = RowGenerator::of(&mut db).unwrap();
    let row = generator.insert(&mut db, "t", &[("a", Value::text("7")), ("b", Value::text("o'k"))]).unwrap();
    assert_eq!((row.value("a"), row.value("b"), row.value("c")), (Some("7"), Some("o'k"), None));
}

#[test]
fn what_cannot_be_made_says_why() {
    let problem = |sql: &str| {
        let mut db = scratch(sql);
        with_causes(&rows(&mut db, "t", 1).expect_err("no row"))
    };
    insta::assert_snapshot!(problem("CREATE TABLE t (a int NOT NULL, CHECK (a > 5 AND a < 5))"), @"no row of t was found that t_a_check accepts (CHECK (((a > 5) AND (a < 5)))); give its columns values in [schemas.NAME.rows.t]");
    insta::assert_snapshot!(problem("CREATE TYPE mood AS ENUM (); CREATE TABLE t (p mood NOT NULL)"), @"column t.p cannot have a value: type mood is an enum without labels");
    insta::assert_snapshot!(problem("CREATE TABLE s ()"), @"there is no table t");
}

/// A column: its type, and a CHECK on it if this test has one for the type.
fn column(name: usize) -> impl Strategy<Value = String> {
    let kinds = prop_oneof![
        (any::<i16>(), 0..50_i32)
            .prop_map(|(low, width)| { ("int", format!("CHECK (%c BETWEEN {low} AND {})", i32::from(low) + width)) }),
        prop::collection::vec("[a-z]{1,6}", 1..5)
            .prop_map(|values| ("text", format!("CHECK (%c IN ('{}'))", values.join("', '")))),
        (1..30_usize).prop_map(|length| ("text", format!("CHECK (length(%c) >= {length})"))),
        "[a-c]{1,2}(x|y)[0-9]{1,3}".prop_map(|pattern| ("text", format!("CHECK (%c ~ '^{pattern}$')"))),
        (1..20_u32).prop_map(|limit| ("numeric(6,2)", format!("CHECK (%c < {limit})"))),
        Just(("uuid", String::new())),
        Just(("timestamptz", String::new())),
        Just(("jsonb", String::new())),
        Just(("date", "CHECK (%c > '2010-06-01')".to_owned())),
        Just(("boolean", String::new())),
    ];
    (kinds, any::<bool>()).prop_map(move |((ty, check), not_null)| {
        let not_null = if not_null { "NOT NULL" } else { "" };
        format!("c{name} {ty} {not_null} {}", check.replace("%c", &format!("c{name}")))
    })
}

fn columns() -> impl Strategy<Value = Vec<String>> {
    (1..6_usize).prop_flat_map(|count| (0..count).map(column).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn tables_of_random_columns_and_checks_take_rows_with_their_parents(
        parent in columns(), child in columns(), nullable in any::<bool>()
    ) {
        let reference = if nullable { "" } else { "NOT NULL" };
        let sql = format!(
            "CREATE TABLE parent (id int PRIMARY KEY, {});
             CREATE TABLE child (id int PRIMARY KEY, parent int {reference} REFERENCES parent, {});",
            parent.join(", "), child.join(", ")
        );
        let mut db = scratch(&sql);
        if let Err(error) = rows(&mut db, "child", 3) {
            return Err(TestCaseError::fail(format!("{}\n{sql}", with_causes(&error))));
        }
        let count = db.value("SELECT count(*) FROM child").unwrap();
        prop_assert_eq!(count.as_deref(), Some("3"));
    }

    #[test]
    fn the_same_schema_gives_the_same_rows(columns in columns()) {
        let sql = format!("CREATE TABLE t ({})", columns.join(", "));
        let made = || {
            let mut db = scratch(&sql);
            rows(&mut db, "t", 3).map(|()| db.value("SELECT string_agg(t::text, E'\\n' ORDER BY ctid) FROM t").unwrap())
        };
        prop_assert_eq!(made().unwrap(), made().unwrap());
    }
}

#[test]
fn a_row_in_a_circle_has_a_key_that_its_check_accepts() {
    let sql = "CREATE TABLE heads (id int PRIMARY KEY CHECK (id % 5 = 2), department text NOT NULL);
               CREATE TABLE departments (id text PRIMARY KEY CHECK (id ~ '^D-[0-9]{3}$'), head int NOT NULL REFERENCES heads);
               ALTER TABLE heads ADD FOREIGN KEY (department) REFERENCES departments;";
    for table in ["heads", "departments"] {
        let mut db = scratch(sql);
        rows(&mut db, table, 2).unwrap_or_else(|error| panic!("{table}: {}", with_causes(&error)));
        db.run("SET CONSTRAINTS ALL IMMEDIATE").unwrap();
    }
}
