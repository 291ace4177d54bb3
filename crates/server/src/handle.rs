//! A handle to a running server, for creating databases: its address, its version, and how our databases there are
//! named and tagged. Starting the server is the provider's job.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::DatabaseError;
use crate::Owner;
use crate::ServerError;
use crate::Session;
use crate::Version;
use crate::connection::Address;
use crate::ending::owner_tag::OwnerTag;
use pgproof_sql::{quote::identifier, quote::literal};

/// The longest name that PostgreSQL does not truncate (documentation, "Identifiers and Key Words").
const LONGEST_NAME: usize = 63;

/// A running server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerHandle {
    /// Its address.
    pub address: Address,
    /// Its version.
    pub version: Version,
    /// The provider that started it: `local`, `docker`, `download` or `url`.
    pub provider: String,
    /// Why some assertions cannot be proven there, if that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
    /// On an external server, the run that our databases belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// What a database is created from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// Nothing: C locale and UTF-8, whatever the server's defaults, so that statements behave the same everywhere.
    Nothing,
    /// A copy of this database, which must have no open sessions.
    Copy(&'a str),
}

const SETTINGS: &str = include_str!("handle/settings.sql");

/// Gives a copy the settings that belong to its template: `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET`. They
/// are kept beside the database, and CREATE DATABASE does not copy them.
fn carry_settings(maintenance: &mut Session, template: &str, copy: &str) -> Result<(), DatabaseError> {
    let query = SETTINGS.replace(":copy", &literal(copy)).replace(":template", &literal(template));
    let statements = maintenance.column(&query)?;
    // Each is a statement of its own: most databases have none.
    statements.iter().try_for_each(|statement| maintenance.run(statement))
}

impl ServerHandle {
    /// Opens a session with a database.
    pub fn open(&self, database: &str) -> Result<Session, DatabaseError> {
        Session::open(&self.address, database)
    }

    /// Opens a session for creating and dropping databases.
    pub fn maintenance(&self) -> Result<Session, DatabaseError> {
        self.open(self.address.maintenance())
    }

    /// Creates a database for the purpose named by `label`, owned by `owner` or else by the handle's user, and returns its
    /// name. (Documentation, "Template Databases".)
    pub fn create_database(
        &self,
        maintenance: &mut Session,
        label: &str,
        source: Source<'_>,
        owner: Option<&Owner>,
    ) -> Result<String, ServerError> {
        let name = self.name_of(label);
        let failed = |source| ServerError::Rejected { action: format!("create database {name}"), source };
        let owned = owner.map(|owner| format!(" OWNER {}", identifier(&owner.role))).unwrap_or_default();
        maintenance.run(&format!("{}{owned}", self.create_statement(&name, source))).map_err(failed)?;
        if let Source::Copy(template) = source {
            carry_settings(maintenance, template, &name).map_err(failed)?;
        }
        // A role's databases carry the tag of the role.
        if let (Some(run), None) = (&self.run, owner) {
            let tag = literal(&OwnerTag { run: run.clone(), roles: Vec::new() }.text());
            maintenance.run(&format!("COMMENT ON DATABASE {} IS {tag}", identifier(&name))).map_err(failed)?;
        }
        Ok(name)
    }

    /// Drops a database, and ends the sessions with it.
    pub fn drop_database(&self, name: &str) -> Result<(), DatabaseError> {
        self.maintenance()?.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(name)))
    }

    /// The cheapest statement that creates a database of this name.
    fn create_statement(&self, name: &str, source: Source<'_>) -> String {
        // Copying files is faster than logging each page if nothing is flushed to disk, but it needs two checkpoints,
        // which would disturb an external server. Before 15 there is no choice.
        let strategy = match (self.version.major, &self.run) {
            (..15, _) => "",
            (_, None) => " STRATEGY file_copy",
            (_, Some(_)) => " STRATEGY wal_log",
        };
        let source = match source {
            Source::Copy(template) => identifier(template),
            Source::Nothing => {
                let provider = if self.version.major >= 15 { " LOCALE_PROVIDER libc" } else { "" };
                format!("template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'{provider}")
            }
        };
        format!("CREATE DATABASE {} TEMPLATE {source}{strategy}", identifier(name))
    }

    fn name_of(&self, label: &str) -> String {
        let name = match &self.run {
            Some(run) => format!("pgproof_{run}_{label}"),
            None => format!("pgproof_{label}"),
        };
        if name.len() <= LONGEST_NAME {
            return name;
        }
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let short: String = name.chars().take(LONGEST_NAME - 17).filter(char::is_ascii).collect();
        format!("{short}_{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(major: u16, run: Option<&str>) -> ServerHandle {
        let version = Version { major, minor: 1, text: format!("{major}.1") };
        let address = Address::on_port("db", 5432, "me", "");
        ServerHandle { address, version, provider: "url".to_owned(), limits: None, run: run.map(str::to_owned) }
    }

    #[test]
    fn a_name_is_never_truncated() {
        let long = "x".repeat(80);
        let handle = handle(16, Some("0123abcd"));
        assert_eq!(handle.name_of("shop_1"), "pgproof_0123abcd_shop_1");
        let (one, other) = (handle.name_of(&format!("{long}1")), handle.name_of(&format!("{long}2")));
        assert!(one.len() <= LONGEST_NAME && one != other && one.starts_with("pgproof_0123abcd_x"));
    }

    #[test]
    fn an_external_server_is_spared_checkpoints() {
        let statement = |major, run| handle(major, run).create_statement("a", Source::Copy("b"));
        assert_eq!(statement(16, None), r#"CREATE DATABASE "a" TEMPLATE "b" STRATEGY file_copy"#);
        assert_eq!(statement(16, Some("0")), r#"CREATE DATABASE "a" TEMPLATE "b" STRATEGY wal_log"#);
        assert_eq!(statement(14, Some("0")), r#"CREATE DATABASE "a" TEMPLATE "b""#);
    }
}
