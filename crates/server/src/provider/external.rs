//! An external server: a run creates its own databases and roles there and removes them when it ends, however it ends.
//! It touches nothing else.

use std::sync::Mutex;
use std::time::Instant;

use super::Provider;
use crate::connection::Address;
use crate::ending::databases::remove;
use crate::ending::guard::Guard;
use crate::ending::owner_tag::{Belongings, alone, application_name, databases_of, live};
use crate::ending::reaper::{Duty, Reaper};
use crate::version::OLDEST_MAJOR;
use crate::{DatabaseError, Server, ServerError, ServerHandle, ServerOptions, Session, Version};

/// Settings that make a session behave the same everywhere, as far as a non-superuser may change them. The data is
/// disposable, so commits do not wait for the disk.
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

    /// Creates databases for this purpose and removes them again.
    fn describe(&self, options: &ServerOptions) -> Result<String, ServerError> {
        super::started(options, self)
    }
}

/// Ends a run on an external server.
#[derive(Debug)]
struct RunGuard {
    /// The session that shows other runs that this one is alive. The lock is never contended, but a server is shared
    /// between threads.
    lease: Mutex<Session>,
    reaper: Reaper,
}

impl Guard for RunGuard {
    fn log(&self) -> String {
        "(the log is on the server)".to_owned()
    }

    fn keep(self: Box<Self>) -> String {
        let RunGuard { lease, reaper } = *self;
        reaper.keep();
        drop(lease);
        "the next run of pgproof on that server".to_owned()
    }
}

/// Begins a run on a server and removes what dead runs left behind.
fn start(address: Address, major: Option<u16>) -> Result<Server, ServerError> {
    let started = Instant::now();
    let place = address.place();
    // The lease is idle, but must stay open as long as the run.
    let options = [address.get("options").unwrap_or_default(), SETTINGS].join(" ");
    let address = address.with("options", options.trim());
    let opened = Session::open(&address, address.maintenance());
    let mut lease = opened.map_err(|source| ServerError::Unreachable { place: place.clone(), source })?;
    let failed = |action: &'static str| {
        let place = place.clone();
        move |source| ServerError::Rejected { action: format!("{action} on {place}"), source }
    };
    let version = Version::of(&mut lease).map_err(failed("query the version"))?;
    if major.is_some_and(|major| major != version.major) || version.major < OLDEST_MAJOR {
        return Err(ServerError::OtherMajor { place, wanted: major, version });
    }
    let may = "SELECT rolname, rolcreatedb OR rolsuper, pg_is_in_recovery(), rolsuper FROM pg_roles WHERE rolname = current_user";
    let may = lease.rows(may).map_err(failed("query the privileges"))?.into_iter().next().unwrap_or_default();
    let is = |at: usize| may.get(at).cloned().flatten().as_deref() == Some("t");
    if is(2) {
        return Err(ServerError::Standby { place });
    }
    let is_superuser = is(3);
    let role = may.first().cloned().flatten().unwrap_or_default();
    if !is(1) {
        return Err(ServerError::MayNotCreate { place, role });
    }
    let run = begin(&mut lease).map_err(failed("begin a run"))?;
    // From here on there may be something to remove.
    let reaper = Reaper::spawn(&Duty::Databases { address: address.clone(), run: run.clone() })?;
    alone(&mut lease, |session| {
        let found = Belongings::of_all(session)?;
        for run in found.dead() {
            let databases = found.databases.get(&run).cloned().unwrap_or_default();
            // What cannot be removed does no harm; the next run tries again.
            let _ = remove(session, &run, &databases, &found.roles_made(&run));
        }
        Ok(())
    })
    .map_err(failed("find the databases and roles of dead runs"))?;
    let address = address.with("application_name", &application_name(&run));
    let limits = (!is_superuser).then(|| {
        format!(
            "role {role} is not a superuser: row security applies to it, and a missing privilege can look like a bug"
        )
    });
    let handle = ServerHandle { address, version, provider: "url".to_owned(), limits, run: Some(run) };
    let directory = reaper.directory().to_path_buf();
    let guard = Box::new(RunGuard { lease: Mutex::new(lease), reaper });
    Ok(Server { handle, directory, took: started.elapsed(), guard: Some(guard) })
}

/// Picks a number that no live run has and acquires its lock.
fn begin(session: &mut Session) -> Result<String, DatabaseError> {
    loop {
        let run = session.value("SELECT left(md5(gen_random_uuid()::text), 8)")?.unwrap_or_default();
        // 0 is the lock for housekeeping of the whole server.
        if run != "00000000" && databases_of(session, &run)?.is_empty() && live(session, &run)? {
            return Ok(run);
        }
    }
}
