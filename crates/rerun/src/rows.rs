//! Rows between runs: users' rows are kept, and rows that migrations inserted and users edited are kept or reset, as
//! declared.

use std::collections::{BTreeMap, HashSet};

use pgproof_assertions::pin::Pin;
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_server::{DatabaseError, Session, SqlState};
use pgproof_sql::{quote::identifier, quote::literal};
use proptest::prelude::*;

use super::case::property;
use super::config::{EditedRows, Rerun};
use super::database::{Runs, failing};
use super::repeat::{pins, subject};
use pgproof_assertions::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::{Catalog, Column, Misnamed, Relation};
use pgproof_catalog::{row::RowGenerator, row::Value};

/// Rows between runs are kept.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone, Copy)]
pub struct KeepsRows;

impl Assertion for KeepsRows {
    fn subject(&self) -> Subject {
        subject()
    }

    fn sentence(&self) -> String {
        "keep what users put in between runs, and treat edited rows as declared".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        pins()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        Runs::of(sandbox)?.keep_rows(sandbox)
    }
}

impl Runs {
    /// Tries runs with users' rows and edits in between. `sandbox` is on a database in which all migrations have run.
    pub fn keep_rows(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let rows = UserRows::make(sandbox, &self.rerun)?;
        let files = self.migrations.len();
        let step = prop_oneof![
            2 => Just(Step::RunAll),
            2 => (0..files).prop_map(Step::RunOne),
            2 => Just(Step::PutRows),
            1 => Just(Step::Edit),
        ];
        // Whatever precedes it, the last step is a run.
        let steps = prop::collection::vec(step, 1..4).prop_map(|mut steps| {
            steps.push(Step::RunAll);
            steps
        });
        let describe = |steps: &Vec<Step>| {
            let told: Vec<String> = steps.iter().map(|step| step.told(self)).collect();
            format!("after one run: {}", told.join(", "))
        };
        // Each file alone, in addition to the cases.
        let mut alone = vec![Step::PutRows];
        alone.extend((0..files).map(Step::RunOne));
        self.with_rows(&rows, &alone).map_err(|failure| failure.in_case(&describe(&alone)))?;
        let more = self.cases()?.saturating_sub(1);
        if more == 0 {
            return Ok(());
        }
        property(self, "rows", Some(more), steps, describe, |steps| self.with_rows(&rows, steps))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    RunAll,
    RunOne(usize),
    PutRows,
    Edit,
}

impl Step {
    fn told(self, runs: &Runs) -> String {
        match self {
            Step::RunAll => "all run".to_owned(),
            Step::RunOne(at) => {
                runs.migrations.get(at).map(|m| format!("{} runs", m.file.display())).unwrap_or_default()
            }
            Step::PutRows => "rows are put into every table".to_owned(),
            Step::Edit => "the migrations' rows are edited".to_owned(),
        }
    }
}

/// Users' actions: inserting their own rows, and editing rows of the migrations.
struct UserRows {
    /// The tables whose rows they see.
    tables: Vec<Relation>,
    /// Statements, in an order in which they can run.
    inserts: Vec<String>,
    /// By table.
    edits: BTreeMap<String, Edit>,
}

/// An edit of a row that the migrations inserted.
#[derive(Clone)]
struct Edit {
    /// The UPDATE of one row.
    update: String,
    /// The query that checks whether the row still has the edited value.
    question: String,
    /// What is declared to become of it.
    declared: EditedRows,
}

impl UserRows {
    fn make(sandbox: &mut Sandbox, rerun: &Rerun) -> Result<UserRows, Failure> {
        let catalog = Catalog::of(sandbox)?;
        let wrong = |name: Misnamed| Failure::Expectation(format!("rerun.edited_rows in pgproof.toml names {name}"));
        rerun.edited_rows.keys().try_for_each(|name| catalog.table_named(name).map(drop)).map_err(wrong)?;
        let tables: Vec<Relation> = catalog.tables().filter(|table| table.inherits.is_empty()).cloned().collect();
        let mut edits = BTreeMap::new();
        for table in &tables {
            if let Some((update, question)) = edit(sandbox, &catalog, table)? {
                let declared = rerun.declared(&catalog, table);
                let edit = Edit { update, question, declared };
                edits.insert(catalog.shown(&table.qualified_name()).to_string(), edit);
            }
        }
        let inserts = sandbox.undone(|sandbox| -> Result<Vec<String>, Failure> {
            let mut generator = RowGenerator::of(sandbox)?;
            let before = all_rows(sandbox.session(), &tables)?;
            for table in &tables {
                match generator.insert(sandbox, table.qualified_name(), &[]) {
                    // A table for which no row can be generated gets none from users here.
                    Err(error) if !error.is_of_table() => return Err(error.into()),
                    Ok(_) | Err(_) => {}
                }
            }
            Ok(all_rows(sandbox.session(), &tables)?.not_in(&before))
        })?;
        Ok(UserRows { tables, inserts, edits })
    }
}

impl Runs {
    fn with_rows(&self, rows: &UserRows, steps: &[Step]) -> Result<(), Failure> {
        let database = self.migrated()?;
        let mut session = database.session()?;
        let (mut theirs, mut edited) = (Vec::new(), BTreeMap::new());
        for step in steps {
            match step {
                Step::PutRows if theirs.is_empty() => {
                    theirs = put(&mut session, &rows.inserts, &rows.tables)?;
                }
                Step::PutRows => {}
                Step::Edit => {
                    for (table, edit) in &rows.edits {
                        // A row whose key is generated anew in each database is not found here.
                        if session.affected(&edit.update)? == 1 {
                            edited.insert(table.clone(), edit.clone());
                        }
                    }
                }
                Step::RunAll => self.run_on(&database, 0..self.migrations.len())?,
                Step::RunOne(at) => self.run_on(&database, *at..*at + 1)?,
            }
        }
        let now = all_rows(&mut session, &rows.tables)?;
        let now = now.as_set();
        if let Some(lost) = theirs.iter().find(|row| !now.contains(row.as_str())) {
            return Err(refuted(format!("a row that a user put in is gone or changed: {lost}")));
        }
        demand_declared(&mut session, &edited)
    }

    fn run_on(&self, database: &CloneDatabase, files: std::ops::Range<usize>) -> Result<(), Failure> {
        let ran = self.run(database, &self.migrations[files]);
        ran.map_err(|error| failing(&error, format!("with rows in the tables, a run fails\n{error}")))
    }
}

/// Edited rows are kept, or reset if declared.
fn demand_declared(session: &mut Session, edits: &BTreeMap<String, Edit>) -> Result<(), Failure> {
    for (table, Edit { update, question, declared }) in edits {
        let kept = session.value(question)?.as_deref() == Some("t");
        if kept != (*declared == EditedRows::Kept) {
            let (is, should) = if kept { ("kept", "reset") } else { ("reset", "kept") };
            return Err(refuted(format!(
                "an edited row of {table} is {is}, and should be {should} (rerun.edited_rows in pgproof.toml): {update}"
            )));
        }
    }
    Ok(())
}

/// Inserts rows with triggers disabled, and returns them. A role that may not disable triggers inserts what they let through,
/// in whatever order it takes.
fn put(session: &mut Session, inserts: &[String], tables: &[Relation]) -> Result<Vec<String>, Failure> {
    let disabled =
        format!("SET session_replication_role = replica; {}; RESET session_replication_role", inserts.join("; "));
    match session.run(&disabled) {
        Ok(()) => return Ok(inserts.to_vec()),
        Err(error) if error.sqlstate() == Some(SqlState::INSUFFICIENT_PRIVILEGE.code()) => {}
        Err(error) => return Err(error.into()),
    }
    let before = all_rows(session, tables)?;
    let mut left: Vec<&String> = inserts.iter().collect();
    loop {
        let waiting = left.len();
        left.retain(|insert| session.run(insert).is_err());
        if left.is_empty() || left.len() == waiting {
            break;
        }
    }
    Ok(all_rows(session, tables)?.not_in(&before))
}

/// How many tables one query reads: PostgreSQL's planner is slow with thousands of branches.
const AT_ONCE: usize = 100;

/// Every row of these tables, as the statement that inserts it, table by table.
fn all_rows(session: &mut Session, tables: &[Relation]) -> Result<Rows, DatabaseError> {
    let mut rows = Vec::new();
    for some in tables.chunks(AT_ONCE) {
        let columns = |table: &Relation| -> Vec<String> {
            let stored = table.columns.iter().filter(|column| column.generated_as.is_none());
            stored.map(|column: &Column| identifier(&column.name)).collect()
        };
        let queries = some.iter().zip(0..).map(|(table, at): (_, usize)| {
            let texts: Vec<String> = columns(table).iter().map(|name| format!("{name}::text")).collect();
            let texts = texts.join(", ");
            format!(
                "(SELECT {at}, to_json(ARRAY[{texts}]::text[]) FROM {} ORDER BY ARRAY[{texts}]::text[])",
                table.sql()
            )
        });
        let sql = queries.collect::<Vec<_>>().join(" UNION ALL ");
        for row in session.rows(&sql)? {
            let wrong = |problem: &dyn ToString| DatabaseError::Answer {
                query: "the rows of tables".to_owned(),
                problem: problem.to_string(),
            };
            let [Some(at), Some(values)] = row.as_slice() else { return Err(wrong(&format!("{row:?}"))) };
            let table = at.parse().ok().and_then(|at: usize| some.get(at)).ok_or_else(|| wrong(at))?;
            let values: Vec<Option<String>> = serde_json::from_str(values).map_err(|error| wrong(&error))?;
            let values: Vec<String> =
                values.iter().map(|value| value.as_ref().map_or("NULL".to_owned(), |text| literal(text))).collect();
            rows.push(format!(
                "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
                table.sql(),
                columns(table).join(", "),
                values.join(", ")
            ));
        }
    }
    Ok(Rows(rows))
}

/// Rows, as statements.
struct Rows(Vec<String>);

impl Rows {
    fn as_set(&self) -> HashSet<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    fn not_in(self, before: &Rows) -> Vec<String> {
        let before = before.as_set();
        self.0.into_iter().filter(|row| !before.contains(row.as_str())).collect()
    }
}

/// An edit of a row that the migrations inserted, if the table has one and a column that accepts another value; and the
/// query that checks whether the row still has the edited value.
fn edit(sandbox: &mut Sandbox, catalog: &Catalog, table: &Relation) -> Result<Option<(String, String)>, Failure> {
    let keys: Vec<Vec<String>> = catalog
        .indexes_of(table)
        .filter(|index| index.unique && index.predicate.is_none())
        .filter_map(|index| index.keys.iter().map(|key| key.column.clone()).collect())
        .collect();
    // A key generated by PostgreSQL differs between databases.
    let made =
        |column: &String| table.column(column).is_some_and(|c| c.default.as_ref().is_some_and(|d| d.contains('(')));
    let Some(key) = keys.iter().find(|key| !key.iter().any(made)).or_else(|| keys.first()) else { return Ok(None) };
    let columns: Vec<String> = key.iter().map(|column| format!("{}::text", identifier(column))).collect();
    let sql = format!("SELECT {} FROM {} ORDER BY 1 LIMIT 1", columns.join(", "), table.sql());
    let Some(row) = sandbox.rows(&sql)?.into_iter().next() else { return Ok(None) };
    let equal = |(column, value): (&String, Option<String>)| match value {
        Some(value) => format!("{} = {}", identifier(column), literal(&value)),
        None => format!("{} IS NULL", identifier(column)),
    };
    let at = key.iter().zip(row).map(equal).collect::<Vec<_>>().join(" AND ");
    let mut generator = RowGenerator::of(sandbox)?;
    let in_keys = |column: &Column| keys.iter().flatten().any(|key| *key == column.name);
    for column in table.columns.iter().filter(|column| column.generation.is_insertable() && !in_keys(column)) {
        let Some(Value::Text(value)) = generator.another(column) else { continue };
        let name = identifier(&column.name);
        let wanted = format!("{}::{}", literal(&value), column.ty.name);
        let update = format!("UPDATE {} SET {name} = {wanted} WHERE {at}", table.sql());
        if sandbox.attempt(&update)?.is_accepted() {
            let question = format!("SELECT {name} IS NOT DISTINCT FROM {wanted} FROM {} WHERE {at}", table.sql());
            return Ok(Some((update, question)));
        }
    }
    Ok(None)
}
