//! The database that a command is given: by a name in `pgproof.toml`, or by a connection string.

use std::fmt;
use std::time::Duration;

use pgproof_runner::Config;
use pgproof_server::connection::Address;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::nearest;

use crate::{Database, Databases, Environment, TargetError};

/// How long a session that only looks may wait for a lock: it must not make others wait behind it.
const LOOK_LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// A database that is in use.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in `pgproof.toml`, if it is there.
    pub name: Option<String>,
    /// Its server, and the role to log in as.
    pub address: Address,
    /// What `pgproof.toml` says of it.
    pub settings: Database,
}

impl Target {
    /// The database of this name in `pgproof.toml`, or of this connection string.
    ///
    /// A connection string of a database that `pgproof.toml` names has the settings that stand there: a protected one is
    /// protected however it is reached.
    pub fn of(config: &Config, text: &str) -> Result<Target, TargetError> {
        let databases = config.top_part::<Databases>()?;
        let environment = Environment::read(&config.root)?;
        for variable in databases.0.values().filter_map(|database| database.variable.as_ref()) {
            pgproof_server::keep_secret(variable);
        }
        if text.contains("://") || text.contains('=') {
            let address = parsed("the given database", text)?;
            let same = databases.0.iter().find(|(name, database)| {
                resolved(name, database, &environment).is_ok_and(|known| is_same(&known, &address))
            });
            let (name, settings) = same.map(|(name, settings)| (name.clone(), settings.clone())).unzip();
            return Ok(Target { name, address, settings: settings.unwrap_or_default() });
        }
        let settings = databases.0.get(text).ok_or_else(|| TargetError::Unknown {
            name: text.to_owned(),
            file: config.shown(&config.file),
            known: databases.0.keys().cloned().collect(),
            nearest: nearest(text, databases.0.keys().map(String::as_str)).map(str::to_owned),
        })?;
        let address = resolved(text, settings, &environment)?;
        Ok(Target { name: Some(text.to_owned()), address, settings: settings.clone() })
    }

    /// The name of the database on its server.
    pub fn database(&self) -> &str {
        self.address.maintenance()
    }

    /// What has to be typed before it is changed, if it is protected: its name.
    pub fn typed_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.database())
    }

    /// Opens a session that cannot write: its transactions are read-only unless it says otherwise.
    ///
    /// A statement may take as long as `[server.deadlines]` says, and waits 2 seconds for a lock.
    pub fn reader(&self) -> Result<Session, DatabaseError> {
        self.open(&format!(
            "-c default_transaction_read_only=on -c lock_timeout={} -c idle_in_transaction_session_timeout=0",
            LOOK_LOCK_TIMEOUT.as_millis()
        ))
    }

    /// Opens a session that can write, and waits for a lock as long as the settings of the database say.
    pub fn writer(&self) -> Result<Session, DatabaseError> {
        self.open(&format!("-c lock_timeout={}", self.settings.lock_timeout.as_millis()))
    }

    fn open(&self, options: &str) -> Result<Session, DatabaseError> {
        let options = [self.address.get("options").unwrap_or_default(), options].join(" ");
        let address = self.address.clone().with("options", options.trim());
        Session::open(&address, self.database())
    }
}

impl fmt::Display for Target {
    /// As in `production (database shop on db.example.com:5432, role deploy)`. The password is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.address.place();
        let role = self.address.get("user").unwrap_or_default();
        match &self.name {
            Some(name) => write!(f, "{name} (database {} on {place}, role {role})", self.database()),
            None => write!(f, "database {} on {place}, role {role}", self.database()),
        }
    }
}

/// The address of a configured database.
fn resolved(name: &str, database: &Database, environment: &Environment) -> Result<Address, TargetError> {
    match (&database.variable, &database.connection) {
        (None, None) => Err(TargetError::NoConnection { name: name.to_owned() }),
        (Some(_), Some(_)) => Err(TargetError::TwoConnections { name: name.to_owned() }),
        (None, Some(connection)) => {
            if pgproof_server::connection::has_password(connection) {
                return Err(TargetError::Password { name: name.to_owned() });
            }
            parsed(name, connection)
        }
        (Some(variable), None) => {
            let (text, _) = environment.get(variable).ok_or_else(|| TargetError::Unset {
                name: name.to_owned(),
                variable: variable.clone(),
                file: environment.expected().to_path_buf(),
            })?;
            parsed(name, &text)
        }
    }
}

fn parsed(name: &str, text: &str) -> Result<Address, TargetError> {
    Address::parse(text).map_err(|source| TargetError::Address { name: name.to_owned(), source })
}

/// Whether two addresses lead to the same database, as far as their texts say.
fn is_same(one: &Address, other: &Address) -> bool {
    one.place() == other.place() && one.maintenance() == other.maintenance()
}
