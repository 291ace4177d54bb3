//! The owner of a database for somebody else's SQL: a role of the run's own, which may do as it likes in its databases and
//! nothing outside them. Which databases it gets, and who logs in as it, is decided elsewhere.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::connection::Address;
use crate::ending::owner_tag::OwnerTag;
use crate::{DatabaseError, ServerError, ServerHandle};
use pgproof_sql::{quote::identifier, quote::literal};

/// Until PostgreSQL 15, CREATEROLE may grant these to itself, and so run programs and write the server's files
/// (documentation, "Predefined Roles"). On a disposable server they are removed.
const DANGEROUS: &str = "'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'";

/// A role that owns databases of a run, and nothing else.
///
/// It is NOSUPERUSER, NOCREATEDB, NOREPLICATION and NOBYPASSRLS, and a member of no predefined role. Sessions log in as
/// it: a session that only did SET ROLE could undo that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The name of the role.
    pub role: String,
    /// The server's address, with this role as its user.
    pub address: Address,
}

impl ServerHandle {
    /// Whether this server's user may create roles that own databases: whether it is a superuser.
    pub fn can_create_owner(&self) -> Result<bool, DatabaseError> {
        Ok(self.maintenance()?.value("SHOW is_superuser")?.as_deref() == Some("on"))
    }

    /// The usual name of an owner: on an external server it contains the run.
    pub fn owner_name(&self) -> String {
        self.run.as_ref().map_or_else(|| "pgproof_owner".to_owned(), |run| format!("pgproof_{run}_owner"))
    }

    /// Creates an owner. With `creates_roles` it has CREATEROLE, except on an external server before PostgreSQL 16, where
    /// that privilege reaches files and programs of the server.
    ///
    /// It is removed with the run. Fails if the role exists.
    pub fn create_owner(&self, name: &str, creates_roles: bool) -> Result<Owner, ServerError> {
        let place = self.address.place();
        let failed = |source| ServerError::Rejected { action: format!("create role {name} on {place}"), source };
        let mut session = self.maintenance().map_err(failed)?;
        let existing = format!("SELECT 1 FROM pg_roles WHERE rolname = {}", literal(name));
        if session.value(&existing).map_err(failed)?.is_some() {
            return Err(ServerError::RoleExists { role: name.to_owned(), place: place.clone() });
        }
        let password = format!("{:016x}{:016x}", crate::random::number(), crate::random::number());
        // What travels, and may be logged, is the verifier.
        let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
        let may_create_roles = creates_roles && (self.version.major >= 16 || self.run.is_none());
        let role = identifier(name);
        let mut sql = format!(
            "BEGIN; CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS {} PASSWORD {};",
            if may_create_roles { "CREATEROLE" } else { "NOCREATEROLE" },
            literal(&verifier)
        );
        if may_create_roles && self.version.major < 16 {
            let _ = write!(
                sql,
                " SET LOCAL allow_system_table_mods = on; DELETE FROM pg_authid WHERE rolname IN ({DANGEROUS});"
            );
        }
        // To insert rows with triggers disabled. Before PostgreSQL 15 only a superuser may.
        if self.version.major >= 15 {
            let _ = write!(sql, " GRANT SET ON PARAMETER session_replication_role TO {role};");
        }
        // The owner of a database may comment on it. On itself it may not, so its comment is the tag of its databases.
        if let Some(run) = &self.run {
            let tag = OwnerTag { run: run.clone(), roles: Vec::new() };
            let _ = write!(sql, " COMMENT ON ROLE {role} IS {};", literal(&tag.text()));
        }
        sql.push_str(" COMMIT");
        session.run(&sql).map_err(failed)?;
        let address = self.address.clone().for_owner(name, &password);
        Ok(Owner { role: name.to_owned(), address })
    }

    /// Prepares a new database for its owner: the extensions that only a superuser may create, and schema `public`, which
    /// before PostgreSQL 15 does not belong to the database's owner. Nobody else's SQL may have run in it.
    pub fn hand_over(&self, database: &str, owner: &Owner, extensions: &[String]) -> Result<(), ServerError> {
        let failed = |action: String| move |source| ServerError::Rejected { action, source };
        let mut session =
            self.open(database).map_err(failed(format!("prepare database {database} for role {}", owner.role)))?;
        for extension in extensions {
            session
                .run(&format!("CREATE EXTENSION IF NOT EXISTS {} CASCADE", identifier(extension)))
                .map_err(failed(format!("create extension {extension}")))?;
        }
        if self.version.major < 15 {
            session
                .run(&format!("ALTER SCHEMA public OWNER TO {}", identifier(&owner.role)))
                .map_err(failed("hand over schema public".to_owned()))?;
        }
        Ok(())
    }

    /// Gives an owner everything in a database that is not PostgreSQL's own, and membership in those of these roles that
    /// have no privilege on the server.
    pub fn hand_over_all(&self, database: &str, owner: &Owner, roles: &[String]) -> Result<(), ServerError> {
        let failed = |source| ServerError::Rejected { action: format!("hand over database {database}"), source };
        let mut session = self.open(database).map_err(failed)?;
        for role in roles {
            if session.value(&POWERLESS.replace(":role", &literal(role))).map_err(failed)?.is_some() {
                session.run(&format!("GRANT {} TO {}", identifier(role), identifier(&owner.role))).map_err(failed)?;
            }
        }
        session.run(&HAND_OVER.replace(":owner", &literal(&owner.role))).map_err(failed)
    }
}

/// Whether a role may do nothing on the server that an owner may not.
const POWERLESS: &str = "SELECT 1 FROM pg_roles r WHERE rolname = :role \
     AND NOT (rolsuper OR rolcreatedb OR rolreplication OR rolbypassrls) \
     AND NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname ~ '^pg_' AND pg_has_role(r.oid, p.oid, 'MEMBER'))";

/// Changes the owner of schemas, relations, functions and types that belong to no extension.
const HAND_OVER: &str = include_str!("owner/hand_over.sql");
