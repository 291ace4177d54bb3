//! One session with a database: statements in, text out, errors with every field. Everything that pgproof sends to a
//! server goes through here. Isolation between tests is the job of `isolation`.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use postgres::types::{FromSql, Type};
use postgres::{Client, SimpleQueryMessage};
use serde::de::DeserializeOwned;

use crate::connection::Address;
use crate::watch::Watch;
use crate::{DatabaseError, Deadlines, Reported, SqlState};

pub use postgres_protocol::escape::{escape_identifier as identifier, escape_literal as literal};

/// How much later than the server's own timeout a statement is ended from outside.
const OWN_TIMEOUT: Duration = Duration::from_millis(500);

/// Names a file to which every statement is appended, as the database's name, a tab, the statement and a NUL, for
/// benchmarks to replay.
pub const STATEMENT_LOG_VARIABLE: &str = "PGPROOF_STATEMENT_LOG";

/// An open session.
pub struct Session {
    client: Client,
    address: Address,
    database: String,
    /// Ends statements of somebody else, once there are any.
    watch: Option<Watch>,
    /// Whether PostgreSQL rejected a statement because the transaction is read-only.
    refused_write: Arc<AtomicBool>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("address", &self.address)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// A row of text values, as returned by the simple query protocol.
pub type Row = Vec<Option<String>>;

/// Rows with the names of their columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedRows {
    /// The names.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// The result of a statement that was tried and rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// PostgreSQL accepted it.
    Accepted,
    /// PostgreSQL rejected it.
    Refused(Box<Reported>),
}

impl Attempt {
    /// Whether PostgreSQL accepted it.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Attempt::Accepted)
    }
}

impl Session {
    /// Opens a session with `database`.
    pub fn open(address: &Address, database: &str) -> Result<Session, DatabaseError> {
        // Statements are split as PostgreSQL reads strings by default, whatever the server's setting.
        let timeout = address.deadlines().statement.as_millis();
        let options = format!("-c statement_timeout={timeout} -c standard_conforming_strings=on");
        let client = address.connect(database, &options)?;
        Ok(Session {
            client,
            address: address.clone(),
            database: database.to_owned(),
            watch: None,
            refused_write: Arc::default(),
        })
    }

    /// Whether PostgreSQL rejected a statement of this session, or of [`another`](Session::another), because it would have
    /// written in a read-only transaction; whoever looks may reset it.
    pub fn refused_write(&self) -> &Arc<AtomicBool> {
        &self.refused_write
    }

    /// Passes on the result of a statement, and notes a refused write.
    fn noted<T>(&self, result: Result<T, impl Into<DatabaseError>>) -> Result<T, DatabaseError> {
        result.map_err(|error| {
            let error = error.into();
            if error.sqlstate() == Some(SqlState::READ_ONLY_SQL_TRANSACTION.code()) {
                self.refused_write.store(true, Ordering::Relaxed);
            }
            error
        })
    }

    /// The server.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Opens another session with the same database.
    pub fn another(&self) -> Result<Session, DatabaseError> {
        let mut another = Session::open(&self.address, &self.database)?;
        another.refused_write = Arc::clone(&self.refused_write);
        Ok(another)
    }

    /// How long a statement, and a file of migrations, may take.
    pub fn deadlines(&self) -> Deadlines {
        self.address.deadlines()
    }

    /// Does something with the session that must end within this time, whatever the session's own settings say.
    ///
    /// Fails with [`DatabaseError::Deadline`]; the session may be closed then.
    pub fn within<T>(
        &mut self,
        limit: Duration,
        act: impl FnOnce(&mut Session) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        if self.watch.is_none() {
            let pid = self.value("SELECT pg_backend_pid()")?.unwrap_or_default();
            self.watch = Some(Watch::spawn(self.client.cancel_token(), self.address.clone(), pid));
        }
        let started = Instant::now();
        if let Some(watch) = &self.watch {
            // The server's own timeout comes first, if it is still set: a cancel request could hit the next statement.
            watch.begin(limit + OWN_TIMEOUT);
        }
        let result = act(self);
        let ended = self.watch.as_ref().is_some_and(Watch::end);
        result.map_err(|error| {
            let timed_out = error.sqlstate() == Some(SqlState::QUERY_CANCELED.code()) && started.elapsed() >= limit;
            if ended || timed_out { DatabaseError::Deadline { limit } } else { error }
        })
    }

    /// Runs one or more statements, discarding their results as they arrive.
    pub fn run(&mut self, sql: &str) -> Result<(), DatabaseError> {
        log_statement(&self.database, sql);
        let done = self.client.batch_execute(sql);
        self.noted(done)
    }

    /// Runs statements and returns the rows of all of them.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        log_statement(&self.database, sql);
        let messages = self.client.simple_query(sql);
        let messages = self.noted(messages)?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
                }
                _ => None,
            })
            .collect())
    }

    /// Runs a query that this session may need again, and returns its rows. It is planned once, which takes PostgreSQL longer
    /// than to run it if it has many branches. `name` is that of the query, `types` and `arguments` are lists in parentheses
    /// or empty.
    pub fn rows_of_prepared(
        &mut self,
        name: &str,
        types: &str,
        sql: &str,
        arguments: &str,
    ) -> Result<Vec<Row>, DatabaseError> {
        // A file may have said DEALLOCATE ALL or DISCARD ALL.
        let prepared = format!("SELECT 1 FROM pg_prepared_statements WHERE name = {}", literal(name));
        if self.value(&prepared)?.is_none() {
            self.run(&format!("PREPARE {} {types} AS {sql}", identifier(name)))?;
        }
        self.rows(&format!("EXECUTE {} {arguments}", identifier(name)))
    }

    /// Runs one statement and returns its rows with the names of their columns; no columns if it returns no rows.
    pub fn named_rows(&mut self, sql: &str) -> Result<NamedRows, DatabaseError> {
        log_statement(&self.database, sql);
        let mut found = NamedRows::default();
        for message in self.client.simple_query(sql)? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    found.columns = columns.iter().map(|column| column.name().to_owned()).collect();
                }
                SimpleQueryMessage::Row(row) => {
                    found.rows.push((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect());
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// Runs one statement and returns how many rows it affected. Rows that it returns would be kept in memory: such a
    /// statement is for [`run`](Session::run).
    pub fn affected(&mut self, sql: &str) -> Result<u64, DatabaseError> {
        log_statement(&self.database, sql);
        let messages = self.client.simple_query(sql);
        let messages = self.noted(messages)?;
        Ok(messages
            .iter()
            .map(|message| match message {
                SimpleQueryMessage::CommandComplete(rows) => *rows,
                _ => 0,
            })
            .sum())
    }

    /// The first column of the first row; `None` if it is NULL or there is no row.
    pub fn value(&mut self, sql: &str) -> Result<Option<String>, DatabaseError> {
        Ok(self.rows(sql)?.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }

    /// The first column of all rows, without NULLs.
    pub fn column(&mut self, sql: &str) -> Result<Vec<String>, DatabaseError> {
        Ok(self.rows(sql)?.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
    }

    /// The single JSON value that `sql` returns, as a `T`.
    pub fn json<T: DeserializeOwned>(&mut self, sql: &str) -> Result<T, DatabaseError> {
        let answer = |problem: String| DatabaseError::Answer { query: shortened(sql), problem };
        let text = self.value(sql)?.ok_or_else(|| answer("no value".to_owned()))?;
        serde_json::from_str(&text).map_err(|error| answer(error.to_string()))
    }

    /// Runs one statement and discards its result. More than one is an error of the server: the extended query protocol takes
    /// one (documentation, "Message Flow").
    pub fn run_one(&mut self, sql: &str) -> Result<(), DatabaseError> {
        log_statement(&self.database, sql);
        let done = self.client.execute(sql, &[]);
        self.noted(done).map(drop)
    }

    /// The single JSON value that one statement returns. More than one statement is an error of the server.
    pub fn json_of_one<T: DeserializeOwned>(&mut self, sql: &str) -> Result<T, DatabaseError> {
        log_statement(&self.database, sql);
        let answer = |problem: String| DatabaseError::Answer { query: shortened(sql), problem };
        let row = self.client.query_opt(sql, &[]);
        let row = self.noted(row)?.ok_or_else(|| answer("no value".to_owned()))?;
        serde_json::from_str(&row.try_get::<_, Bytes>(0)?.0).map_err(|error| answer(error.to_string()))
    }

    /// Sends `data` to a `COPY … FROM stdin` and returns the number of rows.
    pub fn copy_in(&mut self, sql: &str, data: &[u8]) -> Result<u64, DatabaseError> {
        log_statement(&self.database, sql);
        let copied = copy_in(&mut self.client, sql, data);
        self.noted(copied)
    }

    /// Returns what a `COPY … TO stdout` sends, as text.
    pub fn copy_out(&mut self, sql: &str) -> Result<String, DatabaseError> {
        log_statement(&self.database, sql);
        let copied = copy_out(&mut self.client, sql);
        self.noted(copied)
    }

    /// Tries a statement inside the open transaction and rolls it back, whether or not it succeeds. The only errors are
    /// a lost connection and a transaction that is not open.
    pub fn attempt(&mut self, sql: &str) -> Result<Attempt, DatabaseError> {
        match self.run(&format!("SAVEPOINT attempt; {sql}\n; ROLLBACK TO attempt; RELEASE attempt")) {
            Ok(()) => Ok(Attempt::Accepted),
            Err(DatabaseError::Reported(report)) => {
                self.run("ROLLBACK TO attempt; RELEASE attempt")?;
                Ok(Attempt::Refused(report))
            }
            Err(error) => Err(error),
        }
    }

    /// Tries a statement that returns rows, as [`attempt`](Session::attempt) does, and returns what it would have
    /// returned, or why it was rejected.
    pub fn attempt_rows(&mut self, sql: &str) -> Result<Result<Vec<Row>, Box<Reported>>, DatabaseError> {
        match self.rows(&format!("SAVEPOINT attempt; {sql}\n; ROLLBACK TO attempt; RELEASE attempt")) {
            Ok(rows) => Ok(Ok(rows)),
            Err(DatabaseError::Reported(report)) => {
                self.run("ROLLBACK TO attempt; RELEASE attempt")?;
                Ok(Err(report))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the connection is closed.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

fn copy_in(client: &mut Client, sql: &str, data: &[u8]) -> Result<u64, DatabaseError> {
    let mut writer = client.copy_in(sql)?;
    writer.write_all(data).map_err(|error| DatabaseError::Answer {
        query: shortened(sql),
        problem: format!("cannot send the data: {error}"),
    })?;
    Ok(writer.finish()?)
}

fn copy_out(client: &mut Client, sql: &str) -> Result<String, DatabaseError> {
    let mut text = String::new();
    let read = client.copy_out(sql)?.read_to_string(&mut text);
    read.map_err(|error| DatabaseError::Answer {
        query: shortened(sql),
        problem: format!("cannot read the data: {error}"),
    })?;
    Ok(text)
}

/// A value whose binary form is its text, whatever its type: that of `json` is.
struct Bytes(String);

impl<'a> FromSql<'a> for Bytes {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Bytes, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Bytes(String::from_utf8(raw.to_vec())?))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The beginning of a statement, for messages.
pub fn shortened(sql: &str) -> String {
    const MOST: usize = 160;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST { line } else { line.chars().take(MOST).chain("…".chars()).collect() }
}

/// Appends the statement to the log named by the environment.
fn log_statement(database: &str, sql: &str) {
    static LOG: OnceLock<Option<std::fs::File>> = OnceLock::new();
    let log = LOG.get_or_init(|| {
        let path = std::env::var_os(STATEMENT_LOG_VARIABLE)?;
        std::fs::OpenOptions::new().create(true).append(true).open(path).ok()
    });
    if let Some(mut file) = log.as_ref() {
        // One write per statement, so that entries of parallel sessions do not mix. A log that cannot be written does
        // not fail the run; the benchmark that reads it notices.
        let _ = file.write_all(format!("{database}\t{sql}\0").as_bytes());
    }
}
