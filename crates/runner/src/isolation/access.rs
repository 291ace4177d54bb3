//! Who logs in to a database: the server's user, or a role that owns the database and may do nothing else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use pgproof_server::connection::Address;
use pgproof_server::{Owner, ServerError, ServerHandle};
use pgproof_sql::{Migration, any_creates_role};

/// Who logs in to the databases of a template.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// To run migrations.
    pub(super) migrations: Address,
    /// For everything else.
    pub(super) others: Address,
}

impl Access {
    /// The owner runs the migrations, if there is one; the server's user does the rest, since tests need roles, and rows
    /// past triggers.
    pub(super) fn of(handle: &ServerHandle, owner: Option<&Owner>) -> Access {
        let others = handle.address.clone();
        Access { migrations: owner.map_or_else(|| others.clone(), |owner| owner.address.clone()), others }
    }
}

/// The roles that a process has created to own databases. Two schemas may have the same owner.
#[derive(Debug, Default)]
pub struct Owners(Mutex<BTreeMap<String, Owner>>);

impl Owners {
    /// The owner of this name, created at the first call. It may create roles if these migrations do.
    pub(super) fn get(
        &self,
        handle: &ServerHandle,
        role: &str,
        migrations: &[Migration],
    ) -> Result<Owner, ServerError> {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = owners.get(role) {
            return Ok(owner.clone());
        }
        let creates_roles = any_creates_role(migrations.iter().flat_map(|migration| &migration.statements));
        let owner = handle.create_owner(role, creates_roles)?;
        owners.insert(role.to_owned(), owner.clone());
        Ok(owner)
    }
}

impl Clone for Owners {
    fn clone(&self) -> Owners {
        Owners(Mutex::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}
