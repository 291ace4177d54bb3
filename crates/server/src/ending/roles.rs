//! The roles that scripts create on an external server. Roles belong to the whole server, so each is recorded in the
//! owner tag of the database that its script runs in, before it is created: removing the database removes the role.

use crate::DatabaseError;
use crate::Session;
use crate::ending::owner_tag::Belongings;
use crate::ending::owner_tag::OwnerTag;
use crate::ending::owner_tag::Role;
use crate::ending::owner_tag::alone;
use crate::ending::owner_tag::run_of;
use pgproof_sql::roles_created;
use pgproof_sql::{quote::identifier, quote::literal};

/// Records, in the owner tag of the session's database, the roles that these statements will create or, afterwards,
/// have created. On a server of our own nothing is recorded. A role that existed before and belongs to no run is left
/// alone.
pub fn note<'a>(session: &mut Session, statements: impl Iterator<Item = &'a str>) -> Result<(), DatabaseError> {
    let address = session.address().clone();
    // The roles that an owner creates are found by its ADMIN option for them.
    if address.is_owner() {
        return Ok(());
    }
    let Some(run) = run_of(&address) else { return Ok(()) };
    let made: Vec<String> = statements.flat_map(roles_created).collect();
    if made.is_empty() {
        return Ok(());
    }
    let database = session.database().to_owned();
    let mut maintenance = Session::open(&address, address.maintenance())?;
    alone(&mut maintenance, |maintenance| {
        let found = Belongings::of_all(maintenance)?;
        let read = format!(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = {}",
            literal(&database)
        );
        let before = maintenance.value(&read)?.and_then(|comment| OwnerTag::parse(&comment));
        let mut tag = before.unwrap_or_else(|| OwnerTag { run: run.to_owned(), roles: Vec::new() });
        for name in made.into_iter().filter(|name| !found.is_foreign(name)) {
            let oid = found.oid(&name);
            match tag.roles.iter_mut().find(|role| role.name == name) {
                Some(role) => role.oid = oid,
                None => tag.roles.push(Role { name, oid }),
            }
        }
        let comment = format!("COMMENT ON DATABASE {} IS {}", identifier(&database), literal(&tag.text()));
        maintenance.run(&comment)?;
        // A non-superuser needs membership to act as a role. If the grant fails, the tests report it.
        let is_superuser = maintenance.value("SHOW is_superuser")?.as_deref() == Some("on");
        for role in tag.roles.iter().filter(|role| role.oid.is_some() && !is_superuser) {
            let _ = maintenance.run(&format!("GRANT {} TO CURRENT_USER", identifier(&role.name)));
        }
        Ok(())
    })
}
