//! What each family says that it pins, held against what it notices: for each pin the property is changed in a scratch
//! database, and the assertion must be refuted. A pin that survives its own change is a defect.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::panic::Location;

use pgproof_assertions::assertion::{Assertion, Failure, Subject};
use pgproof_assertions::check::examine;
use pgproof_assertions::extension::extension;
use pgproof_assertions::foreign_key::Action;
use pgproof_assertions::function::function;
use pgproof_assertions::index::index;
use pgproof_assertions::pin::Pin;
use pgproof_assertions::privilege::{Privilege, role};
use pgproof_assertions::sequence::sequence;
use pgproof_assertions::table::{table, tables};
use pgproof_assertions::testing::scratch;
use pgproof_assertions::view::{materialized_view, view};
use pgproof_catalog::{Catalog, Event, Objects, PolicyCommand, Timing, Volatility};
use pgproof_runner::Sandbox;
use pgproof_runner::evidence::Outcome;

/// A schema with an object of each kind.
const SCHEMA: &str = "
    CREATE TABLE parent (id int PRIMARY KEY, name text);
    CREATE TABLE t (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        parent int NOT NULL CONSTRAINT t_parent REFERENCES parent ON DELETE CASCADE,
        status text NOT NULL DEFAULT 'open' CONSTRAINT t_status CHECK (status IN ('open', 'paid')),
        total int NOT NULL CONSTRAINT t_total CHECK (total >= 0),
        code text NOT NULL CONSTRAINT t_code UNIQUE,
        twice int GENERATED ALWAYS AS (total / 2) STORED,
        document jsonb NOT NULL, free text);
    COMMENT ON TABLE t IS 'things';
    COMMENT ON COLUMN t.code IS 'a code';
    CREATE INDEX by_status ON t (status, total DESC) INCLUDE (code) WHERE total > 0;
    CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql STABLE AS 'SELECT a + 1';
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER touched BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
    ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON t FOR UPDATE USING (total > 0) WITH CHECK (total > 1);
    CREATE VIEW v AS SELECT id FROM parent;
    CREATE SEQUENCE numbers;
    CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;
    CREATE ROLE pgproof_pins_reader; GRANT SELECT ON parent TO pgproof_pins_reader;
    CREATE EXTENSION pg_trgm;";

/// Demands that the assertion is proven, pins exactly these properties, and is refuted once one of them is changed.
#[track_caller]
fn pins(assertion: &dyn Assertion, changes: &[(&str, &str)]) {
    let location = Location::caller();
    let outcome = |sql: &str| {
        let evidence = examine(&mut scratch(sql), &Borrowed(assertion), location);
        (evidence.outcome, evidence.message.unwrap_or_default())
    };
    let objects = |sql: &str| Objects::read(scratch(sql).session()).expect("the objects");
    let (proven, message) = outcome(SCHEMA);
    assert_eq!(proven, Outcome::Proven, "{message}");
    let catalog = Catalog::of(&mut scratch(SCHEMA)).expect("a catalog");
    let mut pinned: Vec<String> =
        assertion.pins(&catalog).iter().map(|pin| format!("{} {}", pin.object, pin.property)).collect();
    let mut wanted: Vec<String> = changes.iter().map(|(pin, _)| (*pin).to_owned()).collect();
    pinned.sort();
    wanted.sort();
    assert_eq!(pinned, wanted);
    let before = objects(SCHEMA);
    for (pin, change) in changes {
        let changed = format!("{SCHEMA}{change}");
        let (outcome, message) = outcome(&changed);
        assert_eq!(outcome, Outcome::Refuted, "{pin} survives {change}: {message}");
        let differences = objects(&changed).differences_from(&before);
        // What is dropped, or takes another identity, differs as a whole.
        let is_changed = differences.iter().any(|difference| match difference.property() {
            Some(property) => *pin == format!("{} {property}", difference.object()),
            None => pin.starts_with(&format!("{} ", difference.object())) || pin.ends_with("existence"),
        });
        assert!(is_changed, "{change} does not change {pin}: {differences:?}");
    }
}

/// The same for properties of one object.
#[track_caller]
fn pins_of(object: &str, assertion: &dyn Assertion, changes: &[(&str, String)]) {
    let changes: Vec<(String, &str)> =
        changes.iter().map(|(property, sql)| (format!("{object} {property}"), sql.as_str())).collect();
    let changes: Vec<(&str, &str)> = changes.iter().map(|(pin, sql)| (pin.as_str(), *sql)).collect();
    pins(assertion, &changes);
}

/// An assertion that is used several times.
struct Borrowed<'a>(&'a dyn Assertion);

impl Assertion for Borrowed<'_> {
    fn subject(&self) -> Subject {
        self.0.subject()
    }

    fn sentence(&self) -> String {
        self.0.sentence()
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        self.0.pins(catalog)
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        self.0.check(sandbox)
    }
}

#[test]
fn tables_and_comments() {
    pins(&table("parent").exists(), &[("table parent existence", "DROP TABLE parent CASCADE")]);
    pins(
        &table("parent").has_columns(["id", "name"]),
        &[
            ("column parent.id existence", "ALTER TABLE parent DROP id CASCADE"),
            ("column parent.name existence", "ALTER TABLE parent DROP name"),
            ("column parent.id position", "ALTER TABLE parent DROP id CASCADE"),
            ("column parent.name position", "ALTER TABLE parent DROP name"),
        ],
    );
    pins(
        &tables(["parent", "t"]).are_all(),
        &[("table parent existence", "DROP TABLE parent CASCADE"), ("table t existence", "DROP TABLE t")],
    );
    pins(&table("t").has_comment().reading("things"), &[("table t comment", "COMMENT ON TABLE t IS 'others'")]);
    pins(&table("t").column("code").has_comment(), &[("column t.code comment", "COMMENT ON COLUMN t.code IS NULL")]);
}

#[test]
fn columns() {
    let pins = |assertion: &dyn Assertion, column: &str, property: &str, change: &str| {
        pins(
            assertion,
            &[(&format!("column t.{column} {property}"), &format!("ALTER TABLE t ALTER {column} {change}"))],
        );
    };
    let column = |name: &str| table("t").column(name);
    pins_of(
        "column t.free",
        &column("free").has_type("text"),
        &[
            ("type", "ALTER TABLE t ALTER free TYPE varchar".to_owned()),
            ("collation", "ALTER TABLE t ALTER free TYPE text COLLATE \"C\"".to_owned()),
        ],
    );
    pins(&column("free").is_nullable(), "free", "NOT NULL", "SET NOT NULL");
    pins(&column("code").is_not_null(), "code", "NOT NULL", "DROP NOT NULL");
    pins(&column("status").defaults_to("'open'"), "status", "default", "SET DEFAULT 'paid'");
    pins(&column("free").has_no_default(), "free", "default", "SET DEFAULT 'x'");
    pins(&column("id").is_identity_always(), "id", "identity", "SET GENERATED BY DEFAULT");
    pins(&column("twice").is_generated_as("(total / 2)"), "twice", "generated as", "DROP EXPRESSION");
    pins(&column("document").holds_documents(), "document", "type", "TYPE text");
}

#[test]
fn constraints() {
    let again = |definition: &str| {
        let name = definition.split(' ').next().unwrap_or_default();
        format!("ALTER TABLE t DROP CONSTRAINT {name}, ADD CONSTRAINT {definition}")
    };
    let status = again("t_status CHECK (status IN ('open', 'paid', 'void'))");
    let only = table("t").column("status").accepts_only(["open", "paid"]);
    let invalid = again("t_status CHECK (status IN ('open', 'paid')) NOT VALID");
    pins_of("constraint t.t_status", &only, &[("expression", status), ("validated", invalid)]);
    let (total, invalid) = (again("t_total CHECK (total >= -1)"), again("t_total CHECK (total >= 0) NOT VALID"));
    let only = table("t").column("total").accepts_from("0");
    pins_of("constraint t.t_total", &only, &[("expression", total), ("validated", invalid)]);
    let elder = "CREATE TABLE elder (id int PRIMARY KEY); ".to_owned();
    pins_of(
        "constraint t.t_parent",
        &table("t")
            .foreign_key(["parent"])
            .references("parent", ["id"])
            .on_delete(Action::Cascade)
            .on_update(Action::NoAction),
        &[
            ("columns", again("t_parent FOREIGN KEY (total) REFERENCES parent ON DELETE CASCADE")),
            ("references", elder + &again("t_parent FOREIGN KEY (parent) REFERENCES elder ON DELETE CASCADE")),
            ("on delete", again("t_parent FOREIGN KEY (parent) REFERENCES parent")),
            ("on update", again("t_parent FOREIGN KEY (parent) REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE")),
            ("validated", again("t_parent FOREIGN KEY (parent) REFERENCES parent ON DELETE CASCADE NOT VALID")),
            ("deferrable", "ALTER TABLE t ALTER CONSTRAINT t_parent DEFERRABLE INITIALLY DEFERRED".to_owned()),
            ("match", again("t_parent FOREIGN KEY (parent) REFERENCES parent MATCH FULL ON DELETE CASCADE")),
        ],
    );
    pins(
        &table("t").unique(["code"]).named("t_code"),
        &[
            ("index t_code unique", "ALTER TABLE t DROP CONSTRAINT t_code; CREATE INDEX t_code ON t (code)"),
            ("index t_code key columns", &again("t_code UNIQUE (code, total)")),
            ("index t_code NULLS NOT DISTINCT", &again("t_code UNIQUE NULLS NOT DISTINCT (code)")),
            ("constraint t.t_code deferrable", &again("t_code UNIQUE (code) DEFERRABLE")),
        ],
    );
    let wide =
        "ALTER TABLE parent DROP CONSTRAINT parent_pkey CASCADE, ADD CONSTRAINT parent_pkey PRIMARY KEY (id, name)";
    let deferrable = "ALTER TABLE parent DROP CONSTRAINT parent_pkey CASCADE, ADD CONSTRAINT parent_pkey PRIMARY KEY (id) DEFERRABLE";
    pins(
        &table("parent").primary_key(["id"]),
        &[("constraint parent.parent_pkey definition", wide), ("constraint parent.parent_pkey deferrable", deferrable)],
    );
}

#[test]
fn indexes() {
    let other = |definition: &str| format!("DROP INDEX by_status; CREATE {definition}");
    pins_of(
        "index by_status",
        &index("by_status").on("t", ["status", "total DESC"]).including(["code"]).only_where("(total > 0)"),
        &[
            ("definition", other("INDEX by_status ON parent (name)")),
            ("access method", other("INDEX by_status ON t USING hash (status) WHERE total > 0")),
            ("key columns", other("INDEX by_status ON t (status, total) INCLUDE (code) WHERE total > 0")),
            ("INCLUDE", other("INDEX by_status ON t (status, total DESC) WHERE total > 0")),
            ("predicate", other("INDEX by_status ON t (status, total DESC) INCLUDE (code)")),
            ("unique", other("UNIQUE INDEX by_status ON t (status, total DESC) INCLUDE (code) WHERE total > 0")),
            ("options", "ALTER INDEX by_status SET (fillfactor = 70)".to_owned()),
            ("valid", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_status'::regclass".to_owned()),
        ],
    );
}

#[test]
fn functions() {
    let again = |rest: &str| format!("DROP FUNCTION f; CREATE FUNCTION f(a int) {rest} AS 'SELECT a + 1'");
    let renamed = "DROP FUNCTION f; CREATE FUNCTION f(b int) RETURNS int LANGUAGE sql STABLE AS 'SELECT b + 1'";
    pins_of(
        "function f(integer)",
        &function("f").is("a integer", "integer").volatility(Volatility::Stable),
        &[
            ("arguments", renamed.to_owned()),
            ("result", again("RETURNS bigint LANGUAGE sql STABLE")),
            ("volatility", again("RETURNS int LANGUAGE sql")),
            ("security", again("RETURNS int LANGUAGE sql STABLE SECURITY DEFINER")),
            ("settings", again("RETURNS int LANGUAGE sql STABLE SET search_path = public")),
            ("strict", again("RETURNS int LANGUAGE sql STABLE STRICT")),
            ("parallel", again("RETURNS int LANGUAGE sql STABLE PARALLEL SAFE")),
            ("leakproof", again("RETURNS int LANGUAGE sql STABLE LEAKPROOF")),
        ],
    );
    let body = "CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql STABLE AS 'SELECT a + 2'";
    pins(&function("f").gives("1", "2"), &[("function f(integer) body", body)]);
}

#[test]
fn triggers() {
    let again = |definition: &str| format!("DROP TRIGGER touched ON t; CREATE TRIGGER touched {definition}");
    pins_of(
        "trigger t.touched",
        &table("t").trigger("touched", Timing::Before, [Event::Insert, Event::Update], "touch"),
        &[
            ("timing", again("AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()")),
            ("events", again("BEFORE INSERT OR UPDATE OF code ON t FOR EACH ROW EXECUTE FUNCTION touch()")),
            ("level", again("BEFORE INSERT OR UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION touch()")),
            ("function", again("BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION other()")),
            ("WHEN", again("BEFORE INSERT OR UPDATE ON t FOR EACH ROW WHEN (false) EXECUTE FUNCTION touch()")),
            ("enabled", "ALTER TABLE t ENABLE REPLICA TRIGGER touched".to_owned()),
        ],
    );
}

#[test]
fn policies() {
    let again = |definition: &str| format!("DROP POLICY own ON t; CREATE POLICY own ON t {definition}");
    let (kind, command) = (
        again("AS RESTRICTIVE FOR UPDATE USING (total > 0) WITH CHECK (total > 1)"),
        again("USING (total > 0) WITH CHECK (total > 1)"),
    );
    pins(
        &table("t").policy("own", PolicyCommand::Update).using("(total > 0)").with_check("(total > 1)"),
        &[
            ("policy t.own policy kind", &kind),
            ("policy t.own command", &command),
            ("policy t.own roles", "ALTER POLICY own ON t TO pgproof_pins_reader"),
            ("policy t.own USING", "ALTER POLICY own ON t USING (true)"),
            ("policy t.own WITH CHECK", "ALTER POLICY own ON t WITH CHECK (true)"),
            ("table t row security", "ALTER TABLE t DISABLE ROW LEVEL SECURITY"),
        ],
    );
    pins(
        &table("t").forces_row_security(),
        &[
            ("table t row security", "ALTER TABLE t DISABLE ROW LEVEL SECURITY"),
            ("table t forced row security", "ALTER TABLE t NO FORCE ROW LEVEL SECURITY"),
        ],
    );
}

#[test]
fn sequences() {
    pins_of(
        "sequence numbers",
        &sequence("numbers").counts("bigint"),
        &[
            ("type", "ALTER SEQUENCE numbers AS integer".to_owned()),
            ("start", "ALTER SEQUENCE numbers START 5".to_owned()),
            ("increment", "ALTER SEQUENCE numbers INCREMENT 5".to_owned()),
            ("minimum", "ALTER SEQUENCE numbers MINVALUE -5".to_owned()),
            ("maximum", "ALTER SEQUENCE numbers MAXVALUE 5".to_owned()),
            ("cache", "ALTER SEQUENCE numbers CACHE 5".to_owned()),
            ("cycle", "ALTER SEQUENCE numbers CYCLE".to_owned()),
            ("owned by", "ALTER SEQUENCE numbers OWNED BY t.total".to_owned()),
        ],
    );
}

#[test]
fn views_roles_and_extensions() {
    pins(&view("v").is_readable(), &[("view v existence", "DROP VIEW v")]);
    let other = "DROP VIEW v; CREATE VIEW v AS SELECT id FROM parent WHERE false";
    pins_of(
        "view v",
        &view("v").is_defined_as("SELECT id FROM parent"),
        &[("definition", other.to_owned()), ("options", "ALTER VIEW v SET (security_barrier)".to_owned())],
    );
    pins(&view("v").has_columns(["id"]), &[("column v.id existence", "ALTER VIEW v RENAME id TO ident")]);
    let owner = scratch("").value("SELECT current_user").expect("a role").unwrap_or_default();
    let other = "ALTER TABLE t OWNER TO pgproof_pins_reader";
    pins(&table("t").is_owned_by(owner), &[("table t owner", other)]);
    pins(&materialized_view("m").refreshes(), &[("materialized view m existence", "DROP MATERIALIZED VIEW m")]);
    let grant = "GRANT INSERT ON parent TO pgproof_pins_reader";
    pins(&role("pgproof_pins_reader").may_only([Privilege::Select], "parent"), &[("table parent privileges", grant)]);
    pins(&extension("pg_trgm").is_installed(), &[("extension pg_trgm existence", "DROP EXTENSION pg_trgm")]);
}
