//! Creates the template of a schema, and clones of it in advance. What is done with them is left to `template`.

use pgproof_server::{DatabaseError, ServerHandle, Session, Source};
use pgproof_sql::Migration;
use pgproof_sql::quote::identifier;

use super::IsolationError;
use super::access::{Access, Owners};
use crate::config::Schema;
use crate::migration::{Applied, apply};
use crate::process::Ready;

/// Creates the template of a schema with these migrations, without clones. Returns it and the result of each migration.
/// `owners` are the roles that already own databases of this run.
pub fn build_template(
    handle: &ServerHandle,
    schema: &Schema,
    migrations: &[Migration],
    owners: &Owners,
) -> Result<(Ready, Vec<Applied>), IsolationError> {
    let owner = schema.owner.as_ref().map(|role| owners.get(handle, role, migrations)).transpose()?;
    let mut maintenance = handle.maintenance()?;
    let template = handle.create_database(&mut maintenance, &schema.name, Source::Nothing, owner.as_ref())?;
    set_search_path(&mut maintenance, &template, schema)?;
    drop(maintenance);
    if let Some(owner) = &owner {
        handle.hand_over(&template, owner, &schema.extensions)?;
    }
    let mut session = Session::open(&Access::of(handle, owner.as_ref()).migrations, &template)?;
    let applied = apply(&mut session, migrations, schema.transaction)?;
    Ok((Ready { template, clones: Vec::new(), owner }, applied))
}

/// Gives a database the configured search path, for every session with it.
pub(super) fn set_search_path(maintenance: &mut Session, database: &str, schema: &Schema) -> Result<(), DatabaseError> {
    if schema.search_path.is_empty() {
        return Ok(());
    }
    let path: Vec<_> = schema.search_path.iter().map(|name| identifier(name)).collect();
    maintenance.run(&format!("ALTER DATABASE {} SET search_path TO {}", identifier(database), path.join(", ")))
}

/// Creates `count` clones of a schema's template in advance and returns their names.
pub fn prepare_clones(
    handle: &ServerHandle,
    schema: &Schema,
    ready: &Ready,
    count: usize,
) -> Result<Vec<String>, IsolationError> {
    let mut maintenance = handle.maintenance()?;
    let label = |number| format!("{}_spare_{number}", schema.name);
    let made = (0..count).map(|number| {
        let source = Source::Copy(&ready.template);
        handle.create_database(&mut maintenance, &label(number), source, ready.owner.as_ref())
    });
    Ok(made.collect::<Result<_, _>>()?)
}
