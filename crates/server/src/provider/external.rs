//! Somebody else's server: databases and roles of our own in it, removed when the run ends, however it ends. Nothing
//! else there is touched.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use pgproof_sql::quote::identifier;

use super::Provider;
use crate::connection::Address;
use crate::ending::guard::Guard;
use crate::ending::owner_tag::{Belongings, alone, application_name, databases_of, live, sessions_of};
use crate::ending::reaper::{Duty, Reaper};
use crate::version::OLDEST_MAJOR;
use crate::{DatabaseError, Server, ServerError, ServerHandle, ServerOptions, Session, Version};

/// How long the sessions of a run that has ended may take to end.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// When to look again whether a run has come back.
const SECOND_LOOK: Duration = Duration::from_millis(20);

/// What a session may set to have the same answers everywhere, as far as that takes no superuser. Nobody will miss the
/// data, so that no commit waits for the disk.
const SETTINGS: &str = "-c TimeZone=UTC -c DateStyle=ISO,MDY -c IntervalStyle=postgres -c jit=off -c synchronous_commit=off \
                        -c default_transaction_read_only=off -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 \
                        -c idle_session_timeout=0";

/// An external server.
#[derive(Debug)]
pub(super) struct External<'a> {
    pub(super) conninfo: &'a str,
}

impl Provider for External<'_> {
    fn start(&self, options: &ServerOptions) -> Result<Server, ServerError> {
        let address = Address::parse(self.conninfo).map_err(|source| ServerError::Address { source })?;
        start(address, options.major)
    }

    fn majors(&self, _: &ServerOptions) -> Result<Vec<u16>, ServerError> {
        Err(ServerError::OneMajor)
    }

    /// Databases are made for that, and removed again.
    fn describe(&self, options: &ServerOptions) -> Result<String, ServerError> {
        super::started(options, self)
    }
}

/// Ends a run on an external server.
#[derive(Debug)]
struct RunGuard {
    /// The session by which others know that the run lives. Nobody locks it, but a server is shared between threads.
    lease: Mutex<Session>,
    reaper: Reaper,
}

impl Guard for RunGuard {
    fn log(&self) -> String {
        "(it is where the server is)".to_owned()
    }

    fn keep(self: Box<Self>) -> String {
        let RunGuard { lease, reaper } = *self;
        reaper.keep();
        drop(lease);
        "any later run of pgproof on that server".to_owned()
    }
}

/// Begins a run on a server, and removes what dead runs left there.
fn start(address: Address, major: Option<u16>) -> Result<Server, ServerError> {
    let started = Instant::now();
    let place = address.place();
    // Idle as it is, it has to live as long as the run.
    let options = [address.get("options").unwrap_or_default(), SETTINGS].join(" ");
    let address = address.with("options", options.trim());
    let opened = Session::open(&address, address.maintenance());
    let mut lease = opened.map_err(|source| ServerError::Unreachable { place: place.clone(), source })?;
    let refused = |action: &'static str| {
        let place = place.clone();
        move |source| ServerError::Refused { action: format!("{action} on {place}"), source }
    };
    let version = Version::of(&mut lease).map_err(refused("ask for the version"))?;
    if major.is_some_and(|major| major != version.major) || version.major < OLDEST_MAJOR {
        return Err(ServerError::OtherMajor { place, wanted: major, version });
    }
    let may = "SELECT rolname, rolcreatedb OR rolsuper, pg_is_in_recovery(), rolsuper FROM pg_roles WHERE rolname = current_user";
    let may = lease.rows(may).map_err(refused("ask for privileges"))?.into_iter().next().unwrap_or_default();
    let is = |at: usize| may.get(at).cloned().flatten().as_deref() == Some("t");
    if is(2) {
        return Err(ServerError::Standby { place });
    }
    let is_superuser = is(3);
    let role = may.first().cloned().flatten().unwrap_or_default();
    if !is(1) {
        return Err(ServerError::MayNotCreate { place, role });
    }
    let run = begin(&mut lease).map_err(refused("begin a run"))?;
    // From here on something may have to be removed.
    let reaper = Reaper::spawn(&Duty::Databases { address: address.clone(), run: run.clone() })?;
    alone(&mut lease, |session| {
        let found = Belongings::of_all(session)?;
        for run in found.dead() {
            let databases = found.databases.get(&run).cloned().unwrap_or_default();
            // What cannot be removed is in nobody's way; the next run tries again.
            let _ = remove(session, &run, &databases, &found.roles_made(&run));
        }
        Ok(())
    })
    .map_err(refused("look for what dead runs left"))?;
    let address = address.with("application_name", &application_name(&run));
    let limits = (!is_superuser).then(|| {
        format!(
            "role {role} is no superuser: row security binds it, and what it may not do can look like a broken promise"
        )
    });
    let handle = ServerHandle { address, version, provider: "url".to_owned(), limits, run: Some(run) };
    let directory = reaper.directory().to_path_buf();
    let guard = Box::new(RunGuard { lease: Mutex::new(lease), reaper });
    Ok(Server { handle, directory, took: started.elapsed(), guard: Some(guard) })
}

/// Ends what a run has on a server, and waits until nothing of it is left: the caretaker's duty. `roles` are those that are
/// known of from an earlier attempt.
pub(crate) fn end(address: &Address, run: &str, roles: &mut Vec<String>) -> Result<(), DatabaseError> {
    let mut session = Session::open(address, address.maintenance())?;
    let started = Instant::now();
    // A statement that was on its way when the process died goes on until it is told.
    let terminate = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {}", sessions_of(run));
    loop {
        while !session.rows(&terminate)?.is_empty() && started.elapsed() < END_DEADLINE {
            std::thread::sleep(Duration::from_millis(5));
        }
        alone(&mut session, |session| {
            // The marks go with the databases.
            roles.extend(Belongings::of_all(session)?.roles_noted(run));
            let databases = databases_of(session, run)?;
            remove(session, run, &databases, roles)
        })?;
        // A process of the run that has not noticed yet may have come back in between.
        std::thread::sleep(SECOND_LOOK);
        let is_clean = databases_of(&mut session, run)?.is_empty() && session.rows(&terminate)?.is_empty();
        if is_clean || started.elapsed() > END_DEADLINE {
            return Ok(());
        }
    }
}

/// Removes the databases of a run that has ended, then the roles that its scripts made and no living run's do.
fn remove(session: &mut Session, run: &str, databases: &[String], roles: &[String]) -> Result<(), DatabaseError> {
    for database in databases {
        // Sessions that others opened there (somebody's psql) end with it.
        session.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(database)))?;
    }
    let found = Belongings::of_all(session)?;
    let others: Vec<&String> = found.living.iter().filter(|living| *living != run).collect();
    let mut left: Vec<&String> = roles.iter().collect();
    left.retain(|role| !others.iter().any(|other| found.roles_noted(other).contains(role)));
    left.sort();
    left.dedup();
    // One may stand in another's way; who stands in the way of somebody's database stays.
    loop {
        let mut refused = None;
        let before = left.len();
        left.retain(|role| match session.run(&format!("DROP ROLE IF EXISTS {}", identifier(role))) {
            Ok(()) => false,
            Err(error) => {
                refused = Some(error);
                true
            }
        });
        match refused {
            Some(_) if left.len() < before => {}
            // 2BP01 dependent_objects_still_exist: somebody has granted it something in a database of theirs.
            Some(error) if error.sqlstate() != Some("2BP01") => return Err(error),
            _ => return Ok(()),
        }
    }
}

/// Finds a number that no living run has, and takes its lock.
fn begin(session: &mut Session) -> Result<String, DatabaseError> {
    loop {
        let run = session.value("SELECT left(md5(gen_random_uuid()::text), 8)")?.unwrap_or_default();
        // 0 is what a whole server's housekeeping is locked by.
        if run != "00000000" && databases_of(session, &run)?.is_empty() && live(session, &run)? {
            return Ok(run);
        }
    }
}
