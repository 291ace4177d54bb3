//! A trigger: when it fires and what it calls; and the effect on an inserted row: its values, its partition.

use pgproof_runner::Sandbox;
use pgproof_sql::{Identifier, ObjectId, ObjectKind, Property, QualifiedName};

use crate::pin::Pin;
use crate::pin::looked_at;
use crate::{
    assertion::Assertion, assertion::Differences, assertion::Failure, assertion::Subject, assertion::listed,
    assertion::refuted, assertion::refuted_by,
};
use crate::{table::TableRef, table::find};
use pgproof_catalog::{Catalog, Event, Level, Timing};
use pgproof_catalog::{row::Row, row::RowGenerator, row::Value};

impl TableRef {
    /// Its trigger with this name fires at this time, on these events, for each row, and calls this function.
    pub fn trigger(
        self,
        name: impl Into<String>,
        timing: Timing,
        events: impl IntoIterator<Item = Event>,
        function: impl Into<String>,
    ) -> TriggerIs {
        let mut events: Vec<Event> = events.into_iter().collect();
        events.sort();
        TriggerIs {
            table: self.name,
            name: name.into(),
            timing,
            events,
            columns: Vec::new(),
            condition: None,
            level: Level::Row,
            function: function.into(),
        }
    }

    /// A row inserted with these values, in their text form; the effect is asserted next.
    pub fn row<C: Into<String>, V: Into<String>>(self, values: impl IntoIterator<Item = (C, V)>) -> RowOf {
        let values = values.into_iter().map(|(column, value)| (column.into(), value.into())).collect();
        RowOf { table: self.name, values }
    }
}

/// A trigger has a definition, and is enabled.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct TriggerIs {
    table: QualifiedName,
    name: String,
    timing: Timing,
    events: Vec<Event>,
    columns: Vec<String>,
    condition: Option<String>,
    level: Level,
    function: String,
}

impl TriggerIs {
    /// For UPDATE, it fires only if the command names one of these columns.
    pub fn of_columns<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> TriggerIs {
        self.columns = columns.into_iter().map(Into::into).collect();
        self.columns.sort();
        self
    }

    /// It fires only if this condition holds, as PostgreSQL prints it.
    pub fn only_when(mut self, condition: impl Into<String>) -> TriggerIs {
        self.condition = Some(condition.into());
        self
    }

    /// It fires once for each statement.
    pub fn for_each_statement(mut self) -> TriggerIs {
        self.level = Level::Statement;
        self
    }
}

impl Assertion for TriggerIs {
    fn subject(&self) -> Subject {
        Subject::of(ObjectId::of(ObjectKind::Trigger, &self.table, Identifier::new(&self.name)))
    }

    fn sentence(&self) -> String {
        let events = self.events.iter().map(ToString::to_string).collect::<Vec<_>>().join(" OR ");
        format!("fires {} {events} for each {} and calls {}", self.timing, self.level, self.function)
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let properties = [
            Property::Timing,
            Property::Events,
            Property::Level,
            Property::Function,
            Property::When,
            Property::Enabled,
        ];
        looked_at(&self.subject().object, &properties)
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let table = ObjectId::table(&self.table);
        let Some(relation) = catalog.relation(&self.table) else {
            return Err(refuted_by(table, format!("{} does not exist", self.table)));
        };
        let Some(trigger) = catalog.triggers_of(relation).find(|trigger| trigger.name == self.name) else {
            let others = listed(catalog.triggers_of(relation).map(|trigger| &trigger.name));
            return Err(refuted_by(table, format!("it does not exist; {} has {others}", self.table)));
        };
        let mut differences = Differences::default();
        differences.compare("its timing", trigger.timing.to_string(), self.timing.to_string());
        differences.compare("its event", listed(&trigger.events), listed(&self.events));
        differences.compare("its level", trigger.level.to_string(), self.level.to_string());
        differences.compare("its function", trigger.function.clone(), self.function.clone());
        let none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
        differences.compare("its column list", none(trigger.columns.join(", ")), none(self.columns.join(", ")));
        let condition = |text: &Option<String>| none(text.clone().unwrap_or_default());
        differences.compare("its condition", condition(&trigger.condition), condition(&self.condition));
        if !trigger.enabled {
            differences.tell("it is disabled in an ordinary session".to_owned());
        }
        differences.verdict()
    }
}

/// A row that is inserted.
#[derive(Debug, Clone)]
pub struct RowOf {
    table: QualifiedName,
    values: Vec<(String, String)>,
}

impl RowOf {
    /// The stored row has this value in a column, in its text form.
    pub fn gets(self, column: impl Into<String>, value: impl Into<String>) -> RowGets {
        RowGets { row: self, column: column.into(), value: Some(value.into()) }
    }

    /// It is stored in this partition.
    pub fn goes_to(self, partition: impl Into<String>) -> RowGoesTo {
        RowGoesTo { row: self, partition: partition.into() }
    }

    /// The row, generated and inserted; if it is rejected, the assertion is refuted.
    fn insert(&self, sandbox: &mut Sandbox) -> Result<Row, Failure> {
        find(&*Catalog::of(sandbox)?, &self.table)?;
        let given: Vec<(&str, Value)> =
            self.values.iter().map(|(column, value)| (column.as_str(), Value::text(value))).collect();
        match RowGenerator::of(sandbox)?.insert(sandbox, &self.table, &given) {
            Ok(row) => Ok(row),
            Err(error) => match error.refusal() {
                Some(refusal) => Err(refuted(format!("such a row was rejected with {}", refusal.brief()))),
                None => Err(error.into()),
            },
        }
    }

    /// The stored row has NULL in a column.
    pub fn gets_null(self, column: impl Into<String>) -> RowGets {
        RowGets { row: self, column: column.into(), value: None }
    }
}

/// An inserted row gets a value, for example from a trigger.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct RowGets {
    row: RowOf,
    column: String,
    value: Option<String>,
}

impl Assertion for RowGets {
    fn subject(&self) -> Subject {
        Subject::column(&self.row.table, &self.column)
    }

    fn sentence(&self) -> String {
        let values = self.row.values.iter().map(|(column, value)| format!("{column} {value}"));
        let value = self.value.as_deref().unwrap_or("NULL");
        format!("is {value} in a row inserted with {}", listed(values))
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        // It is unknown whether a default or a trigger supplies the value.
        vec![Pin::acted_out(self.subject().object, Property::Rows)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let row = self.row.insert(sandbox)?;
        let found = row.value(&self.column);
        if found == self.value.as_deref() { Ok(()) } else { Err(refuted(format!("it is {}", found.unwrap_or("NULL")))) }
    }
}

/// A row that is inserted is stored in a partition.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct RowGoesTo {
    row: RowOf,
    partition: String,
}

impl Assertion for RowGoesTo {
    fn subject(&self) -> Subject {
        Subject::table(&self.row.table)
    }

    fn sentence(&self) -> String {
        let values = self.row.values.iter().map(|(column, value)| format!("{column} {value}"));
        format!("stores a row with {} in {}", listed(values), self.partition)
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::acted_out(ObjectId::table(self.partition.as_str()), Property::PartitionBound)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let row = self.row.insert(sandbox)?;
        let columns: Vec<String> = self.row.values.iter().map(|(column, _)| column.clone()).collect();
        let place =
            format!("SELECT DISTINCT tableoid::regclass FROM {} WHERE {}", row.table(), row.condition(&columns));
        let found = sandbox.value(&place)?.unwrap_or_else(|| "no table".to_owned());
        if found == self.partition { Ok(()) } else { Err(refuted(format!("it is stored in {found}"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    const SCHEMA: &str = "CREATE TABLE t (a int NOT NULL, b int);
        CREATE FUNCTION double() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.b := NEW.a * 2; RETURN NEW; END $$;
        CREATE TRIGGER set_b BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION double();";

    #[test]
    fn a_trigger_fires_as_declared() {
        let mut db = scratch(SCHEMA);
        let set_b = || table("t").trigger("set_b", Timing::Before, [Event::Update, Event::Insert], "double");
        proven(&mut db, set_b());
        insta::assert_snapshot!(refuted(&mut db, table("t").trigger("set_b", Timing::After, [Event::Insert], "triple")), @"
        refuted: trigger t.set_b fires AFTER INSERT for each ROW and calls triple
          its timing is BEFORE, not AFTER
          its event is INSERT, UPDATE, not INSERT
          its function is double, not triple
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").trigger("gone", Timing::After, [Event::Insert], "double")), @"
        refuted: trigger t.gone fires AFTER INSERT for each ROW and calls double
          it does not exist; t has set_b
        ");
        db.alter("ALTER TABLE t DISABLE TRIGGER set_b").unwrap();
        let message = refuted(&mut db, set_b());
        assert!(message.contains("it is disabled"), "{message}");
    }

    #[test]
    fn a_row_goes_to_its_partition() {
        let mut db = scratch(
            "CREATE TABLE p (day int NOT NULL, v text NOT NULL) PARTITION BY RANGE (day);
             CREATE TABLE p_old PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p_rest PARTITION OF p DEFAULT;",
        );
        proven(&mut db, table("p").row([("day", "7")]).goes_to("p_old"));
        insta::assert_snapshot!(refuted(&mut db, table("p").row([("day", "10")]).goes_to("p_old")), @"
        refuted: table p stores a row with day 10 in p_old
          it is stored in p_rest
        ");
    }

    #[test]
    fn what_becomes_of_a_row_is_seen() {
        let mut db = scratch(SCHEMA);
        proven(&mut db, table("t").row([("a", "4")]).gets("b", "8"));
        insta::assert_snapshot!(refuted(&mut db, table("t").row([("a", "4"), ("b", "1")]).gets("b", "1")), @"
        refuted: column t.b is 1 in a row inserted with a 4, b 1
          it is 8
        ");
        db.alter("DROP TRIGGER set_b ON t").unwrap();
        proven(&mut db, table("t").row([("a", "4")]).gets_null("b"));
    }
}
