//! A sandbox: a transaction that is always rolled back, in a clone that no other test uses at the same time. Commits
//! and concurrency need a `CloneDatabase` instead.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Cache, IsolationError, SchemaContext, Template, pool};
use crate::NotTried;
use crate::evidence::{Evidence, record, test_name};
use crate::not_tried::{set_denied, was_denied};
use crate::notes::Notes;
use pgproof_server::DatabaseError;
use pgproof_server::{Attempt, Session, session::Row};

/// The savepoint shows, at the end, whether the transaction is still the one that was started here.
const BEGIN: &str = "BEGIN; SAVEPOINT sandbox";

/// The same in a database that is in use. Neither its transaction nor a savepoint in it can be made to write.
const BEGIN_READ_ONLY: &str = "BEGIN READ ONLY; SAVEPOINT sandbox";

/// Resets all state of the session; an error if the transaction was committed.
const END: &str = "ROLLBACK TO sandbox; ROLLBACK; DEALLOCATE ALL; SELECT pg_advisory_unlock_all()";

/// A database for one test, rolled back when dropped.
pub struct Sandbox {
    template: Arc<Template>,
    /// Present until the sandbox is dropped.
    session: Option<Session>,
    state: SchemaState,
    /// Whether the session is returned to the pool.
    pooled: bool,
    /// What was read since the schema was changed here.
    cache: Cache,
    notes: Notes,
    /// What was not proven here: it fails the test when the sandbox is dropped, so that one failure hides no other.
    unproven: Vec<String>,
}

/// The state of the schema in a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// It is the template's.
    AsMigrated,
    /// The test changed it.
    Altered,
}

impl Sandbox {
    /// A sandbox on the schema of this name in `pgproof.toml`.
    pub fn of(schema: &str) -> Result<Sandbox, IsolationError> {
        Sandbox::begin(Template::of(schema)?, SchemaState::AsMigrated)
    }

    /// A sandbox on an empty database in which `sql` has been run.
    pub fn scratch(sql: &str) -> Result<Sandbox, IsolationError> {
        let mut sandbox = Sandbox::begin(Template::scratch()?, SchemaState::Altered)?;
        sandbox.run(sql)?;
        Ok(sandbox)
    }

    /// A sandbox on a copy of this template.
    pub fn on(template: Arc<Template>) -> Result<Sandbox, IsolationError> {
        Sandbox::begin(template, SchemaState::AsMigrated)
    }

    /// A sandbox on a separate clone that `build` has changed, for changes that cannot be rolled back.
    pub fn alone<E: From<DatabaseError> + From<IsolationError>>(
        template: &Arc<Template>,
        build: impl FnOnce(&mut Session) -> Result<(), E>,
    ) -> Result<Sandbox, E> {
        let mut session = template.fresh_session()?;
        build(&mut session)?;
        session.run(BEGIN)?;
        let (template, state) = (Arc::clone(template), SchemaState::AsMigrated);
        Ok(Sandbox {
            template,
            session: Some(session),
            state,
            pooled: false,
            cache: Cache::default(),
            notes: Notes::default(),
            unproven: Vec::new(),
        })
    }

    /// The template of its database.
    pub fn template(&self) -> &Arc<Template> {
        &self.template
    }

    fn begin(template: Arc<Template>, state: SchemaState) -> Result<Sandbox, IsolationError> {
        let mut session = pool::take(&template)?;
        session.run(if template.in_use().is_some() { BEGIN_READ_ONLY } else { BEGIN })?;
        Ok(Sandbox {
            template,
            session: Some(session),
            state,
            pooled: true,
            cache: Cache::default(),
            notes: Notes::default(),
            unproven: Vec::new(),
        })
    }

    /// Another session with the same database, which sees nothing of the sandbox's transaction.
    pub fn session_beside(&self) -> Result<Session, DatabaseError> {
        match &self.session {
            Some(session) => session.another(),
            // Only a sandbox that is being dropped has none.
            None => Err(DatabaseError::Answer { query: String::new(), problem: "the sandbox has ended".to_owned() }),
        }
    }

    /// What the test knows about the schema.
    pub fn context(&self) -> &Arc<SchemaContext> {
        &self.template.context
    }

    /// Where the check that runs now leaves what it says beside its outcome.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Fails the test with this message, once the sandbox is dropped at its end: later checks still run.
    pub fn fail_at_end(&mut self, message: String) {
        self.unproven.push(message);
    }

    /// How many such messages there are.
    pub fn unproven(&self) -> usize {
        self.unproven.len()
    }

    /// What keeps this test from being tried to its end, on a database that is in use: what it did outside of any check was
    /// refused.
    pub fn refusal(&self) -> Refusal {
        let session = self.session.as_ref().filter(|_| self.template.in_use().is_some());
        Refusal { write: session.map(|session| Arc::clone(session.refused_write())) }
    }

    /// Does something, and tells why it was not tried on a database that is in use: something in it was refused, or
    /// something that came before it in the test.
    pub fn tried<T>(&mut self, act: impl FnOnce(&mut Sandbox) -> T) -> (T, Option<NotTried>) {
        let refusal = self.refusal();
        let before = refusal.reason();
        let (wrote, denied) = (refusal.set_write(false), set_denied(false));
        let value = act(self);
        let reason = before.or(refusal.reason());
        refusal.set_write(wrote);
        set_denied(denied);
        (value, reason)
    }

    /// The major version of the server.
    pub fn major(&self) -> u16 {
        self.template.major()
    }

    /// Whether the schema is still the template's.
    pub fn state(&self) -> SchemaState {
        self.state
    }

    /// Changes the schema in this sandbox only.
    pub fn alter(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.state = SchemaState::Altered;
        self.cache = Cache::default();
        self.run(sql)
    }

    /// What `read` gives, read once for all sandboxes on the migrated schema; in one whose schema was changed, once
    /// after each [`alter`](Sandbox::alter).
    pub fn cached<T: Any + Send + Sync, E>(
        &mut self,
        read: impl FnOnce(&mut Session) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        match self.state {
            SchemaState::AsMigrated => {
                let template = Arc::clone(&self.template);
                template.cache().get(|| read(self.session()))
            }
            SchemaState::Altered => {
                let cache = std::mem::take(&mut self.cache);
                let value = cache.get(|| read(self.session()));
                self.cache = cache;
                value
            }
        }
    }

    /// Runs statements that leave the schema as it is; an error aborts the transaction.
    pub fn run(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.session().run(sql)
    }

    /// Runs statements and returns their rows; an error aborts the transaction.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        self.session().rows(sql)
    }

    /// The first column of the first row.
    pub fn value(&mut self, sql: &str) -> Result<Option<String>, DatabaseError> {
        self.session().value(sql)
    }

    /// Tries a statement and rolls it back, whether or not it succeeds.
    pub fn attempt(&mut self, sql: &str) -> Result<Attempt, DatabaseError> {
        self.session().attempt(sql)
    }

    /// Runs `act` and rolls back its changes, whether or not it succeeds.
    pub fn undone<T, E: From<DatabaseError>>(
        &mut self,
        act: impl FnOnce(&mut Sandbox) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run("SAVEPOINT undone")?;
        let result = act(self);
        let undone = self.run("ROLLBACK TO undone; RELEASE undone");
        // The first error is the cause.
        let value = result?;
        undone?;
        Ok(value)
    }

    /// The session, inside the sandbox's transaction.
    #[expect(clippy::expect_used, reason = "only drop takes the session")]
    pub fn session(&mut self) -> &mut Session {
        self.session.as_mut().expect("a sandbox has a session until it is dropped")
    }
}

/// What a test was refused on a database that is in use, outside of any check.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    /// Whether the session was refused a write; none if the database is not in use.
    write: Option<Arc<AtomicBool>>,
}

impl Refusal {
    /// Why what follows cannot be tried; none if nothing was refused.
    pub fn reason(&self) -> Option<NotTried> {
        if self.write.as_ref().is_some_and(|write| write.load(Ordering::Relaxed)) {
            return Some(NotTried::Writes);
        }
        was_denied().then_some(NotTried::OwnDatabase)
    }

    fn set_write(&self, refused: bool) -> bool {
        self.write.as_ref().is_some_and(|write| write.swap(refused, Ordering::Relaxed))
    }
}

impl Sandbox {
    /// Records that the test did not get to its end because of what it was refused, rather than because of what it found.
    fn record_refusal(&self, reason: NotTried) {
        let (test, schema) = (test_name(), self.context().name());
        let ended = Evidence::proven(schema, String::new(), format!("test {test}"), "can go on".to_owned());
        // If it cannot be written, the test has failed, and the report says so.
        let _ = record(&Evidence { ended_test: true, ..ended.not_tried(reason) });
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let refusal = self.refusal();
        if let Some(reason) = refusal.reason().filter(|_| std::thread::panicking()) {
            self.record_refusal(reason);
        }
        refusal.set_write(false);
        let Some(mut session) = self.session.take() else { return };
        // A session that cannot be rolled back is closed, and its clone is not used again.
        if session.run(END).is_ok() && self.pooled {
            pool::give_back(&self.template, session);
        }
        if self.unproven.is_empty() {
            return;
        }
        let message = self.unproven.join("\n\n");
        // A test that panicked already has its own message; a second panic would abort the process.
        if std::thread::panicking() {
            eprintln!("{message}");
        } else {
            panic!("{message}");
        }
    }
}
