//! Which file and line of the migrations created an object: what a refuted assertion points at. It is read from the
//! syntax trees of the statements; objects created by a DO block or a function are not found.

mod names;
mod read;
mod unnamed;

use std::collections::HashMap;

use crate::name::QualifiedName;
use crate::object::{ObjectId, Target};
use crate::{Migration, Origin, Statement};

/// Where the objects of a schema were created.
#[derive(Debug, Default)]
pub struct Provenance {
    origins: HashMap<ObjectId, Origin>,
    /// Table, values and location of every row of an INSERT … VALUES.
    rows: Vec<(QualifiedName, String, Origin)>,
}

impl Provenance {
    /// Reads migrations. If several statements create an object of the same name, the first one counts (`IF NOT
    /// EXISTS`); for a constraint, an index or an object of CREATE OR REPLACE, the last one counts (they are replaced
    /// by DROP and CREATE).
    pub fn of(migrations: &[Migration]) -> Provenance {
        let mut provenance = Provenance::default();
        for migration in migrations {
            let mut reader = read::Reader::new(&mut provenance);
            for statement in &migration.statements {
                reader.read(statement);
            }
        }
        provenance
    }

    /// Where in a statement an object is named: its own line in CREATE TABLE, or the action of ALTER TABLE; else the
    /// beginning of the statement.
    pub fn within(statement: &Statement, object: &ObjectId) -> Origin {
        let mut alone = Provenance::default();
        read::Reader::new(&mut alone).read(statement);
        // The search path of the statement is not known here.
        let name =
            |object: &ObjectId| (object.kind(), object.relation().map(|r| r.name().clone()), object.name().clone());
        let made = alone.origins.iter().find(|(made, _)| name(made) == name(object));
        made.map(|(_, origin)| origin.clone())
            .or_else(|| read::action_on(statement, object.name()))
            .unwrap_or_else(|| statement.origin.clone())
    }

    /// Where in a statement a row is: its own line in INSERT … VALUES, else the beginning of the statement.
    pub fn row_within(statement: &Statement, table: &QualifiedName, values: &[(String, String)]) -> Origin {
        let mut alone = Provenance::default();
        read::Reader::new(&mut alone).read(statement);
        let row = alone.row_of(table, values).filter(|_| !values.is_empty());
        row.cloned().unwrap_or_else(|| statement.origin.clone())
    }

    /// The objects created.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectId> {
        self.origins.keys()
    }

    /// Where an object or a row was created; if unknown, where its table was.
    pub fn find<'a>(&'a self, target: &'a Target) -> Option<&'a Origin> {
        match target {
            Target::Object(object) | Target::Properties(object, _) => self.object(object),
            Target::Row(table, values) => self.row(table, values),
            Target::Place(origin) => Some(origin),
        }
    }

    fn object(&self, object: &ObjectId) -> Option<&Origin> {
        let table = || object.relation().and_then(|relation| self.object(&ObjectId::table(relation)));
        object.find_in(&self.origins).map(|(_, origin)| origin).or_else(table)
    }

    fn row(&self, table: &QualifiedName, values: &[(String, String)]) -> Option<&Origin> {
        let first = || self.rows.iter().find(|(name, ..)| is_of(name, table)).map(|(.., origin)| origin);
        self.row_of(table, values).or_else(first).or_else(|| self.object(&ObjectId::table(table)))
    }

    /// The row of an INSERT … VALUES that holds these values.
    fn row_of(&self, table: &QualifiedName, values: &[(String, String)]) -> Option<&Origin> {
        // Numbers and booleans are written without quotes.
        let words = |text: &str, value: &str| {
            text.split(|c: char| !(c.is_alphanumeric() || "_.-".contains(c))).any(|word| word == value)
        };
        let is_in = |text: &str, value: &str| text.contains(&format!("'{value}'")) || words(text, value);
        let holds = |text: &str| values.iter().all(|(_, value)| is_in(text, value));
        let row = self.rows.iter().find(|(name, text, _)| is_of(name, table) && holds(text));
        row.map(|(.., origin)| origin)
    }
}

/// Whether rows inserted under a name are those of this table.
fn is_of(name: &QualifiedName, table: &QualifiedName) -> bool {
    name.name() == table.name() && table.schema().is_none_or(|schema| Some(schema) == name.schema())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectKind;
    use crate::{Source, split};

    fn provenance(sql: &str) -> Provenance {
        let source = Source { path: "1_a.sql".into(), shown: "1_a.sql".into(), text: sql.to_owned() };
        let statements = split(source, std::path::Path::new(".")).expect("statements");
        Provenance::of(&[Migration { number: 1, file: "1_a.sql".into(), statements }])
    }

    #[track_caller]
    fn stands_at(made: &Provenance, object: impl Into<Target>, line: u32) {
        let object = object.into();
        assert_eq!(made.find(&object).map(|origin| origin.line), Some(line), "{object:?}");
    }

    #[test]
    fn finds_objects_by_line() {
        let made = provenance(
            "CREATE TABLE IF NOT EXISTS Shop.\"Orders\" (\n  id int,\n  total int CONSTRAINT positive CHECK (total > 0)\n);\n\
             ALTER TABLE shop.\"Orders\"\n  ADD COLUMN IF NOT EXISTS day date,\n  ADD CONSTRAINT orders_pkey PRIMARY KEY (id);\n\
             CREATE INDEX by_day ON shop.\"Orders\" (day);\n\
             INSERT INTO shop.\"Orders\" VALUES\n  (1, 'a'),\n  (2, 'b');\n\
             CREATE FUNCTION shop.total() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
        );
        let orders = QualifiedName::in_schema("shop", "Orders");
        stands_at(&made, ObjectId::table(&orders), 1);
        stands_at(&made, ObjectId::column(&orders, "total"), 3);
        stands_at(&made, ObjectId::constraint(&orders, "positive"), 3);
        stands_at(&made, ObjectId::column(&orders, "day"), 6);
        stands_at(&made, ObjectId::constraint(&orders, "orders_pkey"), 7);
        stands_at(&made, ObjectId::column(&orders, "unknown"), 1);
        stands_at(&made, ObjectId::index("shop.by_day"), 8);
        stands_at(&made, Target::Row(orders, vec![("name".to_owned(), "b".to_owned())]), 11);
        stands_at(&made, ObjectId::function(ObjectKind::Function, "shop.total", ""), 12);
        assert_eq!(made.find(&ObjectId::index("nowhere").into()), None);
    }

    #[test]
    fn one_name_in_several_places_is_told_apart() {
        let made = provenance(
            "CREATE TABLE a.t (c int CONSTRAINT positive CHECK (c > 0));\n\
             CREATE TABLE b.t (c int CONSTRAINT positive CHECK (c > 0));\n\
             CREATE DOMAIN a.d AS int\n  CONSTRAINT positive CHECK (VALUE > 0);\n\
             CREATE TABLE \"Order.Items\" (\n  \"select\" int);\n\
             CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1';\n\
             CREATE FUNCTION f(text, OUT y int8, z timestamptz DEFAULT now()) LANGUAGE sql AS 'SELECT 1';\n\
             SET search_path TO b, public;\n\
             CREATE POLICY own ON t USING (true);\n\
             CREATE POLICY own ON a.t USING (true);\n\
             CREATE TRIGGER own BEFORE INSERT ON a.t EXECUTE FUNCTION g();\n",
        );
        let (a, b) = (QualifiedName::in_schema("a", "t"), QualifiedName::in_schema("b", "t"));
        stands_at(&made, ObjectId::column(&a, "c"), 1);
        stands_at(&made, ObjectId::column(&b, "c"), 2);
        stands_at(&made, ObjectId::constraint(&a, "positive"), 1);
        stands_at(&made, ObjectId::constraint(&b, "positive"), 2);
        stands_at(&made, ObjectId::of(ObjectKind::DomainConstraint, &"a.d".into(), "positive"), 4);
        let items = QualifiedName::in_schema("public", "Order.Items");
        stands_at(&made, ObjectId::table(&items), 5);
        stands_at(&made, ObjectId::column(&items, "select"), 6);
        stands_at(&made, ObjectId::function(ObjectKind::Function, "public.f", "integer"), 7);
        let types = "text, timestamp with time zone";
        stands_at(&made, ObjectId::function(ObjectKind::Function, "public.f", types), 8);
        stands_at(&made, ObjectId::of(ObjectKind::Policy, &b, "own"), 10);
        stands_at(&made, ObjectId::of(ObjectKind::Policy, &a, "own"), 11);
        stands_at(&made, ObjectId::of(ObjectKind::Trigger, &a, "own"), 12);
    }
}
