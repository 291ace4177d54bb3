//! An old database and the migrations: every row still exists with its values, the schema is that of a fresh
//! installation, and a second run changes neither. Scripts create the old database.

use pgproof_server::SqlState;
use pgproof_sql::Property;
use std::collections::BTreeMap;
use std::path::PathBuf;

use pgproof_assertions::pin::Pin;
use pgproof_runner::migration::run_script;
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;
use serde_json::Value;

use pgproof_assertions::{
    assertion::Assertion, assertion::Failure, assertion::Subject, assertion::at_most, assertion::impossible,
    assertion::refuted,
};
use pgproof_catalog::{Catalog, Difference, Objects};

/// The maximum number of differences reported.
const MOST_REPORTED: usize = 12;

/// Begins a sentence about a database created by these scripts, in order. Their names are relative to the schema's
/// fixtures.
pub fn database_of<S: Into<String>>(scripts: impl IntoIterator<Item = S>) -> OldDatabase {
    OldDatabase { scripts: scripts.into_iter().map(Into::into).collect() }
}

/// A database as it was before the migrations.
#[derive(Debug, Clone)]
pub struct OldDatabase {
    scripts: Vec<String>,
}

impl OldDatabase {
    /// The migrations bring it to the state of a fresh installation and keep its rows. Columns may be in a different
    /// order: an added column is always the last.
    pub fn is_upgraded(self) -> IsUpgraded {
        IsUpgraded { scripts: self.scripts, again: false }
    }
}

/// An old database is upgraded.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct IsUpgraded {
    scripts: Vec<String>,
    again: bool,
}

impl IsUpgraded {
    /// Running them again changes neither schema nor rows.
    pub fn once(mut self) -> IsUpgraded {
        self.again = true;
        self
    }
}

impl Assertion for IsUpgraded {
    fn subject(&self) -> Subject {
        let last = self.scripts.last().map(|script| script.rsplit('/').next().unwrap_or(script).to_owned());
        Subject::database(format!("database as of {}", last.unwrap_or_default()))
    }

    fn sentence(&self) -> String {
        let once = if self.again { ", and a second run changes nothing" } else { "" };
        format!("is upgraded with all its rows{once}")
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::acted_out(self.subject().object, Property::Rows)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let fresh = Catalog::of(sandbox)?;
        let context = sandbox.context();
        let files: Vec<(PathBuf, PathBuf)> = self.scripts.iter().map(|script| context.fixture(script)).collect();
        let root = context.configured().map(|(config, _)| config.root.clone()).unwrap_or_default();
        let migrations = context.migrations().map_err(impossible)?;
        let old = CloneDatabase::empty_for(sandbox.template()).map_err(impossible)?;
        let mut session = old.session()?;
        for (_, file) in &files {
            run_script(&mut session, &root, file).map_err(impossible)?;
        }
        let keys = keys(&mut session)?;
        let before = rows(&mut session, &keys)?;
        if before.values().all(BTreeMap::is_empty) {
            return Err(Failure::Expectation("the old database has no row, so nothing would be proven".to_owned()));
        }
        let mut problems = Vec::new();
        if let Err(error) = old.apply(&migrations) {
            return Err(refuted(format!("the migrations do not apply: {error}")));
        }
        let upgraded = Objects::read(&mut session)?;
        let after = match rows(&mut session, &keys) {
            Err(error) if error.reported().is_some_and(|report| report.has(&SqlState::UNDEFINED_COLUMN)) => {
                return Err(refuted(format!("a column that told rows apart is gone: {error}")));
            }
            other => other?,
        };
        problems.extend(lost(&before, &after));
        problems.extend(reported("after the migrations, and unlike a fresh installation", &upgraded, &fresh.objects));
        if self.again {
            if let Err(error) = old.apply(&migrations) {
                return Err(refuted(format!("the migrations do not apply a second time: {error}")));
            }
            problems.extend(reported("after a second run", &Objects::read(&mut session)?, &upgraded));
            if rows(&mut session, &keys)? != after {
                problems.push("a second run changes rows".to_owned());
            }
        }
        let problems = at_most(MOST_REPORTED, problems);
        if problems.is_empty() { Ok(()) } else { Err(refuted(problems.join("\n"))) }
    }
}

/// The differences, ignoring the order of columns.
fn reported(when: &str, is: &Objects, was: &Objects) -> Vec<String> {
    let differences = is.differences_from(was).into_iter().filter(|difference| !difference.is_order());
    differences.map(|difference: Difference| format!("{when}: {difference}")).collect()
}

/// The rows of every table: by table, then by key.
type Rows = BTreeMap<String, BTreeMap<String, Value>>;

/// The tables of a database, with an expression for the key of a row `t`: all its columns if there is no primary key.
const TABLES: &str = "
    SELECT format('%s.%s', n.nspname, c.relname), format('%I.%I', n.nspname, c.relname),
           coalesce((SELECT 'jsonb_build_object(' || string_agg(format('%L, t.%I', a.attname, a.attname), ', ') || ')::text'
                     FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
                     WHERE k.conrelid = c.oid AND k.contype = 'p'),
                    (SELECT 'jsonb_build_array(' || string_agg(format('t.%I', a.attname), ', ') || ')::text'
                     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), 't::text')
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')";

/// What identifies the rows of a table: by table, the expression for its key.
type Keys = BTreeMap<String, String>;

/// The tables and their keys.
fn keys(session: &mut Session) -> Result<Keys, DatabaseError> {
    let tables = session.rows(TABLES)?.into_iter();
    Ok(tables
        .filter_map(|row| <[Option<String>; 3]>::try_from(row).ok())
        .filter_map(|[name, _, key]| Some((name?, key?)))
        .collect())
}

/// Every row of every table as a document, by the keys these tables had.
fn rows(session: &mut Session, keys: &Keys) -> Result<Rows, DatabaseError> {
    let mut rows = Rows::new();
    let mut queries = Vec::new();
    for table in session.rows(TABLES)? {
        if let [Some(name), Some(sql), Some(key)] = table.as_slice() {
            let key = keys.get(name).unwrap_or(key);
            rows.insert(name.clone(), BTreeMap::new());
            // Duplicate rows are distinguished by their number, and numbers are kept as written.
            let number = format!("row_number() OVER (PARTITION BY {key})");
            let document =
                "(SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each_text(to_jsonb(t)))::text";
            queries.push(format!(
                "SELECT {}, concat({key}, nullif(' ' || {number}, ' 1')), {document} FROM {sql} t",
                literal(name)
            ));
        }
    }
    if queries.is_empty() {
        return Ok(rows);
    }
    for row in session.rows(&queries.join(" UNION ALL "))? {
        if let [Some(name), Some(key), Some(document)] = row.as_slice() {
            let document = serde_json::from_str(document).unwrap_or_default();
            rows.entry(name.clone()).or_default().insert(key.clone(), document);
        }
    }
    Ok(rows)
}

/// Rows that are missing or have different values in the columns they had.
fn lost(before: &Rows, after: &Rows) -> Vec<String> {
    let mut problems = Vec::new();
    for (table, rows) in before {
        let table_name = table.strip_prefix("public.").unwrap_or(table);
        let Some(now) = after.get(table) else {
            problems.push(format!("table {table_name} is gone, with {} rows", rows.len()));
            continue;
        };
        for (key, row) in rows {
            let Some(now) = now.get(key) else {
                problems.push(format!("the row {key} of {table_name} is gone"));
                continue;
            };
            let columns = row.as_object().into_iter().flatten();
            for (column, was) in columns.filter(|(column, was)| now.get(column) != Some(was)) {
                let text = |value: &Value| value.as_str().map_or("NULL".to_owned(), str::to_owned);
                let (is, was) = (now.get(column).map_or("gone".to_owned(), text), text(was));
                problems.push(format!("the row {key} of {table_name}: {column} is {is}, was {was}"));
            }
        }
    }
    problems
}
