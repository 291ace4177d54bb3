//! Applies migrations to a database, statement by statement.

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{MigrationError, StatementFailure};
use pgproof_server::DatabaseError;
use pgproof_server::Session;
use pgproof_server::note_roles;
use pgproof_sql::Origin;
use pgproof_sql::Transaction;
use pgproof_sql::{Migration, Statement};

/// The result of one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The file.
    pub file: PathBuf,
    /// The results of its statements, in order.
    pub statements: Vec<Outcome>,
}

/// The result of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where it is in the source.
    pub origin: Origin,
    /// The kind of statement.
    pub kind: String,
    /// How many rows it affected, as reported by the server; 0 if it only returns rows.
    pub rows: u64,
}

/// Applies migrations in order. Each file starts with a session in its initial state, as with one `psql -f` per file.
pub fn apply(
    session: &mut Session,
    migrations: &[Migration],
    transaction: Transaction,
) -> Result<Vec<Applied>, MigrationError> {
    note_roles_of(session, migrations)?;
    let applied: Result<_, MigrationError> = migrations
        .iter()
        .map(|migration| Ok(apply_one(session, migration, transaction, usize::MAX, &mut |_, _| Ok(()))?.0))
        .collect();
    let applied = applied?;
    note_roles_of(session, migrations)?;
    Ok(applied)
}

/// The same, but only one caller at a time applies migrations to this database through this function; others wait. The
/// lock is a session-level advisory lock (documentation, "Advisory Locks"), released at the latest with the session.
pub fn apply_alone(
    session: &mut Session,
    migrations: &[Migration],
    transaction: Transaction,
) -> Result<Vec<Applied>, MigrationError> {
    let file = migrations.first().map(|migration| migration.file.clone()).unwrap_or_default();
    // The end of a file discards all state of its session, including locks, so a second session holds the lock.
    let in_session = |source| MigrationError::Session { file: file.clone(), source };
    let mut keeper = session.another().map_err(in_session)?;
    if !lock_migrations(&mut keeper, LOCK_DEADLINE, LOCK_PAUSE).map_err(in_session)? {
        return Err(MigrationError::Busy { file });
    }
    let applied = apply(session, migrations, transaction);
    keeper.run(&format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})")).map_err(in_session)?;
    applied
}

/// Takes the lock that keeps those who migrate a database apart, for as long as the session lasts. Returns whether it was
/// obtained within `wait`; it is asked for again after each `pause`.
pub fn lock_migrations(session: &mut Session, wait: Duration, pause: Duration) -> Result<bool, DatabaseError> {
    let started = Instant::now();
    // Waiting inside a statement would hold a snapshot, for which CREATE INDEX CONCURRENTLY would wait in turn.
    while session.value(&format!("SELECT pg_try_advisory_lock({MIGRATION_LOCK})"))?.as_deref() != Some("t") {
        if started.elapsed() >= wait {
            return Ok(false);
        }
        std::thread::sleep(pause);
    }
    Ok(true)
}

/// Applies the first `statements` statements and leaves the session as it is then, possibly inside a transaction.
pub fn apply_until(
    session: &mut Session,
    migrations: &[Migration],
    transaction: Transaction,
    statements: usize,
) -> Result<(), MigrationError> {
    note_roles_of(session, migrations)?;
    let mut left = statements;
    for migration in migrations {
        if left == 0 {
            break;
        }
        left = apply_one(session, migration, transaction, left, &mut |_, _| Ok(()))?.1;
    }
    Ok(())
}

/// Applies these statements of a file, numbered from 0, in the transaction that is open, without those that begin or end
/// transactions.
pub fn apply_inside(
    session: &mut Session,
    migration: &Migration,
    statements: Range<usize>,
) -> Result<(), MigrationError> {
    let limit = session.deadlines().statement;
    for statement in migration.statements.get(statements).unwrap_or_default() {
        if statement.begins_transaction() || statement.ends_transaction() {
            continue;
        }
        session
            .within(limit, |session| execute(session, statement))
            .map_err(|error| MigrationError::Statement(Box::new(StatementFailure::new(statement, error))))?;
    }
    Ok(())
}

/// The same as [`apply`]; `observe` sees the session after each statement, inside the statement's transaction if there
/// is one. It may read, and must leave the session as it is.
pub fn apply_observed(
    session: &mut Session,
    migrations: &[Migration],
    transaction: Transaction,
    observe: &mut Observer<'_>,
) -> Result<(), MigrationError> {
    note_roles_of(session, migrations)?;
    for migration in migrations {
        apply_one(session, migration, transaction, usize::MAX, observe)?;
    }
    Ok(())
}

/// What [`apply_observed`] calls after each statement.
pub type Observer<'a> = dyn FnMut(&mut Session, &Statement) -> Result<(), DatabaseError> + 'a;

/// Records the roles that migrations create, before and after, if they will have to be removed.
fn note_roles_of(session: &mut Session, migrations: &[Migration]) -> Result<(), MigrationError> {
    for migration in migrations {
        let texts = migration.statements.iter().map(|statement| statement.text.as_str());
        let in_session = |source| MigrationError::Session { file: migration.file.clone(), source };
        note_roles(session, texts).map_err(in_session)?;
    }
    Ok(())
}

/// How long to wait for another session that applies migrations.
const LOCK_DEADLINE: Duration = Duration::from_mins(2);

/// How long to wait before trying again.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The key of the advisory lock: "pgproof" in ASCII.
const MIGRATION_LOCK: i64 = 0x0070_6770_726F_6F66;

/// Applies at most `most` statements of a migration. Returns their results and how many more may be applied.
fn apply_one(
    session: &mut Session,
    migration: &Migration,
    transaction: Transaction,
    most: usize,
    observe: &mut Observer<'_>,
) -> Result<(Applied, usize), MigrationError> {
    let statements = &migration.statements;
    let in_session = |source| MigrationError::Session { file: migration.file.clone(), source };
    let whole = migration.is_one_transaction(transaction);
    let mut open: Option<&Statement> = None;
    let mut outcomes = Vec::with_capacity(statements.len());
    if whole {
        session.run("BEGIN").map_err(in_session)?;
    }
    let deadlines = session.deadlines();
    let started = Instant::now();
    for statement in statements.iter().take(most) {
        let too_slow = || MigrationError::FileDeadline { origin: statement.origin.clone(), limit: deadlines.file };
        let left = deadlines.file.checked_sub(started.elapsed()).ok_or_else(too_slow)?;
        let rows =
            session.within(deadlines.statement.min(left), |session| execute(session, statement)).map_err(|error| {
                match error {
                    DatabaseError::Deadline { .. } if started.elapsed() >= deadlines.file => too_slow(),
                    error => MigrationError::Statement(Box::new(StatementFailure::new(statement, error))),
                }
            })?;
        if statement.begins_transaction() {
            open = Some(statement);
        } else if statement.ends_transaction() {
            open = None;
        }
        observe(session, statement).map_err(in_session)?;
        outcomes.push(Outcome { origin: statement.origin.clone(), kind: statement.kind(), rows });
    }
    let applied = Applied { file: migration.file.clone(), statements: outcomes };
    if most < statements.len() {
        return Ok((applied, 0));
    }
    if let Some(begin) = open {
        return Err(MigrationError::OpenTransaction { origin: begin.origin.clone() });
    }
    if whole {
        session.run("COMMIT").map_err(in_session)?;
    }
    // A file's SET must not leak into the next one.
    session.run("DISCARD ALL").map_err(in_session)?;
    Ok((applied, most - statements.len()))
}

/// Sends one statement, with its rows if it is a COPY, and returns how many rows it affected.
pub fn execute(session: &mut Session, statement: &Statement) -> Result<u64, DatabaseError> {
    match &statement.copy_data {
        Some(data) => session.copy_in(&statement.text, data.as_bytes()),
        // Rows that nobody reads are not kept.
        None if statement.returns_rows() => session.run(&statement.text).map(|()| 0),
        None => session.affected(&statement.text),
    }
}
