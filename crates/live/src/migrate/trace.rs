//! What each statement does to others: the locks that it takes on existing tables, the tables that it rewrites, and the
//! rows that it affects. Tried on a disposable database, whose tables have no rows but those of the migrations.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgproof_runner::CloneDatabase;
use pgproof_runner::isolation::Template;
use pgproof_runner::migration::{MigrationError, StatementFailure, execute};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::Statement;

use super::{Chain, MigrateError};

/// What a statement does.
#[derive(Debug)]
pub struct Traced {
    /// The statement.
    pub statement: Statement,
    /// The strongest lock on each relation that was there before, as PostgreSQL calls it (documentation, "Explicit
    /// Locking"), without the weakest, which only DROP and ALTER wait for.
    pub locks: Vec<(String, String)>,
    /// The relations whose rows it writes anew.
    pub rewritten: Vec<String>,
    /// How many rows it affects.
    pub rows: u64,
}

const LOCKS: &str = include_str!("trace/locks.sql");

const FILES: &str = "SELECT c.oid::regclass::text, c.relfilenode::text FROM pg_class c \
     JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'm') AND c.relfilenode <> 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

impl Chain {
    /// What each statement after this many files does.
    pub fn traced(&self, template: &Arc<Template>, done: usize) -> Result<Vec<Traced>, MigrateError> {
        let disposable = CloneDatabase::empty_for(template)?;
        let (before, pending) = self.files.split_at(done);
        disposable.apply(before).map_err(MigrateError::Chain)?;
        let mut session = disposable.session_for(pending).map_err(MigrateError::Chain)?;
        // What is made on the way, nobody else uses.
        let there = files(&mut session).map_err(MigrateError::Expected)?;
        let mut traced = Vec::new();
        for statement in pending.iter().flat_map(|file| &file.statements) {
            let failed = |error| MigrationError::Statement(Box::new(StatementFailure::new(statement, error)));
            traced.push(trace(&mut session, statement, &there).map_err(failed).map_err(MigrateError::Chain)?);
        }
        Ok(traced)
    }
}

/// Runs a statement and looks at what it does.
fn trace(
    session: &mut Session,
    statement: &Statement,
    there: &BTreeMap<String, String>,
) -> Result<Traced, DatabaseError> {
    let controls = statement.begins_transaction() || statement.ends_transaction();
    let is_alone = controls || statement.needs_no_transaction();
    let before = files(session)?;
    // A block of its own shows the locks before they are released; within the file's own block it is a savepoint's business.
    let in_block =
        session.value("SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'transactionid'")?;
    let opens = !is_alone && in_block.is_none();
    if opens {
        session.run("BEGIN")?;
    }
    let rows = execute(session, statement)?;
    let locks = if is_alone { Vec::new() } else { session.rows(LOCKS)? };
    let after = if is_alone { BTreeMap::new() } else { files(session)? };
    if opens {
        session.run("COMMIT")?;
    }
    let locks = locks.into_iter().filter_map(|row| match row.as_slice() {
        [Some(relation), Some(mode)] if there.contains_key(relation) => Some((relation.clone(), mode.clone())),
        _ => None,
    });
    let is_rewritten = |(relation, file): &(&String, &String)| {
        there.contains_key(*relation) && before.get(*relation).is_some_and(|before| before != *file)
    };
    Ok(Traced {
        statement: statement.clone(),
        locks: locks.collect(),
        rewritten: after.iter().filter(is_rewritten).map(|(relation, _)| relation.clone()).collect(),
        rows,
    })
}

/// The file of each table.
fn files(session: &mut Session) -> Result<BTreeMap<String, String>, DatabaseError> {
    let rows = session.rows(FILES)?.into_iter();
    Ok(rows.filter_map(|row| Some((row.first()?.clone()?, row.get(1)?.clone()?))).collect())
}
