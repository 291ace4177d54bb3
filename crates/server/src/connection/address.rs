//! The address of a server: a complete set of libpq connection parameters, so that a process that receives one needs no
//! environment. Its password is never printed.

use postgres::error::SqlState;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Config, NoTls};
use serde::{Deserialize, Serialize};

use super::{AddressError, conninfo, tls};
use crate::{DatabaseError, Deadlines};

/// How long opening a TCP connection may take, unless the address sets a timeout.
const CONNECT_DEADLINE: Duration = Duration::from_secs(30);

/// Our own parameters, which the driver does not see.
const OWNER: &str = "pgproof owner";
const STATEMENT_DEADLINE: &str = "pgproof statement deadline";
const FILE_DEADLINE: &str = "pgproof file deadline";

/// Where a server listens, and the user to connect as.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address {
    parameters: BTreeMap<String, String>,
}

impl Address {
    /// A server on a Unix socket in this directory, which trusts every account that may enter it.
    pub fn on_socket(directory: &Path, port: u16, user: &str) -> Address {
        let host = directory.display().to_string();
        Address::of([("host", host), ("port", port.to_string()), ("user", user.to_owned())])
    }

    /// A server on a TCP port.
    pub fn on_port(host: &str, port: u16, user: &str, password: &str) -> Address {
        let (host, user, password) = (host.to_owned(), user.to_owned(), password.to_owned());
        let sslmode = ("sslmode", "disable".to_owned());
        Address::of([("host", host), ("port", port.to_string()), ("user", user), ("password", password), sslmode])
    }

    fn of<const N: usize>(parameters: [(&str, String); N]) -> Address {
        let parameters = parameters.into_iter().map(|(keyword, value)| (keyword.to_owned(), value)).collect();
        Address { parameters }.with("dbname", "postgres")
    }

    /// Parses a connection string (a URI, or keywords and values). Missing parameters come from the environment, a
    /// service, the password file and libpq's defaults, in this order.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let address = Address { parameters: conninfo::complete(conninfo::parse(text)?)? };
        // Report here, once, what the driver cannot use.
        address.config("postgres")?;
        tls::connector(&address)?;
        Ok(address)
    }

    /// This address with another value for a parameter.
    pub fn with(mut self, keyword: &str, value: &str) -> Address {
        self.parameters.insert(keyword.to_owned(), value.to_owned());
        self
    }

    /// This address for the owner of databases for somebody else's SQL.
    pub(crate) fn for_owner(self, role: &str, password: &str) -> Address {
        self.with("user", role).with("password", password).with(OWNER, "yes")
    }

    /// Whether sessions log in as such an owner.
    pub(crate) fn is_owner(&self) -> bool {
        self.get(OWNER).is_some()
    }

    /// This address with deadlines for the sessions that it opens.
    pub fn with_deadlines(self, deadlines: &Deadlines) -> Address {
        let milliseconds = |duration: Duration| duration.as_millis().to_string();
        self.with(STATEMENT_DEADLINE, &milliseconds(deadlines.statement))
            .with(FILE_DEADLINE, &milliseconds(deadlines.file))
    }

    /// How long a statement, and a file of migrations, may take in sessions with this address.
    pub fn deadlines(&self) -> Deadlines {
        let usual = Deadlines::default();
        let read = |keyword: &str| self.get(keyword)?.parse().ok().map(Duration::from_millis);
        Deadlines {
            statement: read(STATEMENT_DEADLINE).unwrap_or(usual.statement),
            file: read(FILE_DEADLINE).unwrap_or(usual.file),
            ..usual
        }
    }

    /// The value of a parameter.
    pub fn get(&self, keyword: &str) -> Option<&str> {
        self.parameters.get(keyword).map(String::as_str)
    }

    /// The database to connect to when creating and dropping others.
    pub fn maintenance(&self) -> &str {
        self.get("dbname").unwrap_or("postgres")
    }

    /// Host and port, for messages.
    pub fn place(&self) -> String {
        let host = self.get("host").or(self.get("hostaddr")).unwrap_or("localhost");
        format!("{host}:{}", self.get("port").unwrap_or("5432"))
    }

    /// A connection string for `database`, without the password.
    pub fn conninfo(&self, database: &str) -> String {
        let shown = ["host", "hostaddr", "port", "user", "sslmode", "sslrootcert"];
        let mut text: Vec<String> = shown
            .iter()
            .filter_map(|keyword| Some(format!("{keyword}={}", conninfo::quoted(self.get(keyword)?))))
            .collect();
        text.push(format!("dbname={}", conninfo::quoted(database)));
        text.join(" ")
    }

    /// A `psql` command line that connects to `database`.
    pub fn psql(&self, database: &str) -> String {
        format!("psql \"{}\"", self.conninfo(database))
    }

    /// Opens a connection to `database`, or returns an error within the deadline. `options` are command-line options
    /// for the backend.
    pub(crate) fn connect(&self, database: &str, options: &str) -> Result<Client, DatabaseError> {
        if self.is_socket() {
            return self.connect_now(database, options);
        }
        let (sender, receiver) = mpsc::channel();
        let (target, name, given) = (self.clone(), database.to_owned(), options.to_owned());
        // The driver's timeout covers only TCP: a server that accepts connections but sends nothing would block it.
        std::thread::spawn(move || {
            // The receiver is gone after the deadline.
            let _ = sender.send(target.connect_now(&name, &given));
        });
        let waited = self.deadline();
        receiver.recv_timeout(waited).unwrap_or(Err(DatabaseError::Silent { waited }))
    }

    /// How long a connection may take: the timeout for each host, plus time for the first message.
    fn deadline(&self) -> Duration {
        let said = self.get("connect_timeout").and_then(|seconds| seconds.parse().ok()).filter(|seconds| *seconds > 0);
        let hosts = u32::try_from(self.get("host").unwrap_or_default().split(',').count()).unwrap_or(1);
        said.map_or(CONNECT_DEADLINE, Duration::from_secs) * hosts + Duration::from_secs(5)
    }

    /// Whether the server is reached through the file system.
    pub(super) fn is_socket(&self) -> bool {
        self.get("host").is_some_and(|hosts| hosts.split(',').all(|host| host.starts_with('/')))
    }

    fn connect_now(&self, database: &str, options: &str) -> Result<Client, DatabaseError> {
        let mut config = self.config(database)?;
        let all = [self.get("options").unwrap_or_default(), options].join(" ");
        config.options(all.trim());
        // Notices ("relation exists, skipping") are not needed; the log crate is not used.
        config.notice_callback(|_| ());
        let Some(connector) = tls::connector(self)? else { return Ok(config.connect(NoTls)?) };
        if self.get("sslmode") == Some("allow") {
            // First without encryption, as libpq does.
            if let Ok(client) = config.clone().ssl_mode(SslMode::Disable).connect(NoTls) {
                return Ok(client);
            }
            config.ssl_mode(SslMode::Require);
        }
        match config.connect(connector) {
            // 28000 invalid_authorization_specification: rejected with encryption. Like libpq, try without.
            Err(error)
                if self.get("sslmode") == Some("prefer")
                    && error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) =>
            {
                config.clone().ssl_mode(SslMode::Disable).connect(NoTls).map_err(|_| error.into())
            }
            other => Ok(other?),
        }
    }

    /// The driver's parameters.
    fn config(&self, database: &str) -> Result<Config, AddressError> {
        let plain = self.parameters.iter().filter(|(keyword, _)| conninfo::is_drivers(keyword));
        let text: Vec<_> = plain.map(|(keyword, value)| format!("{keyword}={}", conninfo::quoted(value))).collect();
        // The driver's message names the parameter, but not its value.
        let mut config = Config::from_str(&text.join(" ")).map_err(|error| {
            AddressError::Syntax(
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
            )
        })?;
        config.dbname(database);
        if self.get("application_name").is_none() {
            config.application_name("pgproof");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_DEADLINE);
        }
        // A lost network is noticed within a minute.
        if self.get("keepalives_idle").is_none() {
            config.keepalives_idle(Duration::from_secs(30));
        }
        if self.get("keepalives_interval").is_none() {
            config.keepalives_interval(Duration::from_secs(10)).keepalives_retries(3);
        }
        config.ssl_mode(match self.get("sslmode") {
            // Unix sockets are never encrypted.
            _ if self.is_socket() => SslMode::Disable,
            Some("disable") => SslMode::Disable,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            _ => SslMode::Prefer,
        });
        Ok(config)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |keyword: &str| matches!(keyword, "password" | "sslpassword" | "options");
        let shown = self.parameters.iter().map(|(keyword, value)| (keyword, if hidden(keyword) { "…" } else { value }));
        f.debug_map().entries(shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let address = Address::on_port("db", 5432, "me", "hush");
        assert!(!format!("{address:?}").contains("hush"));
        assert!(!address.psql("shop").contains("hush"));
        assert_eq!(address.psql("shop"), "psql \"host=db port=5432 user=me sslmode=disable dbname=shop\"");
    }

    #[test]
    fn a_serialized_address_is_complete() {
        let address = Address::on_port("db", 5432, "me", "hush");
        let text = serde_json::to_string(&address).expect("JSON");
        assert_eq!(serde_json::from_str::<Address>(&text).expect("an address"), address);
    }
}
