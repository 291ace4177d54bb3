//! Where the migrations under audit run: databases of a role that may do nothing outside them, with what the prelude and
//! the superuser prepare. Only with `--allow-outside`, or where no such role can be created, the server's user runs them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use pgproof_runner::isolation::Template;
use pgproof_runner::migration::run_script;
use pgproof_server::{DatabaseError, Owner, ServerConfig};
use pgproof_sql::quote::identifier;
use pgproof_sql::{Layout, any_creates_role, files, roles_created};

use super::{Arguments, danger};

/// Why the initial database could not be created.
#[derive(Debug, thiserror::Error)]
enum BeginningError {
    #[error(transparent)]
    Migration(#[from] pgproof_runner::migration::MigrationError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Prepares the template of the databases in which the migrations of a layout run.
pub(super) fn prepare(server: &ServerConfig, arguments: &Arguments, layout: &Layout) -> anyhow::Result<Arc<Template>> {
    let scratch = Template::scratch_on(server)?;
    let owner = owner(arguments, layout, &scratch)?;
    let base = scratch.derived("audit", |session, _| -> Result<String, BeginningError> {
        for extension in &arguments.extension {
            session.run(&format!("CREATE EXTENSION IF NOT EXISTS {} CASCADE", identifier(extension)))?;
        }
        if let Some(prelude) = &arguments.prelude {
            run_script(session, prelude.parent().unwrap_or(Path::new(".")), prelude)?;
        }
        Ok(String::new())
    })?;
    if let (Some(owner), Some(database)) = (&owner, base.database()) {
        let roles = arguments.prelude.as_ref().map(|prelude| {
            let text = files::read_text(prelude);
            text.map(|text| roles_created(&text)).with_context(|| format!("cannot read {}", prelude.display()))
        });
        let handle = base.handle();
        handle.hand_over(database, owner, &[])?;
        handle.hand_over_all(database, owner, &roles.transpose()?.unwrap_or_default())?;
    }
    let options = arguments.search_path.as_deref().map(search_path).unwrap_or_default();
    Ok(base.for_somebody_else(owner, &options)?)
}

/// The role that owns the databases.
fn owner(arguments: &Arguments, layout: &Layout, scratch: &Template) -> anyhow::Result<Option<Owner>> {
    if arguments.allow_outside {
        return Ok(None);
    }
    let handle = scratch.handle();
    if handle.can_create_owner()? {
        let statements = layout.migrations.iter().chain(&layout.rollbacks).flat_map(|file| &file.statements);
        return Ok(Some(handle.create_owner(&handle.owner_name(), any_creates_role(statements))?));
    }
    // The server's user is not a superuser, but what it owns elsewhere on the server is within its reach.
    let outside = danger::outside(layout);
    if !outside.is_empty() {
        bail!(
            "these statements reach outside the disposable database, and the role that you connect as may not create a \
             role with fewer privileges; to run them anyway, on an expendable server, use --allow-outside:\n{}",
            outside.join("\n")
        );
    }
    Ok(None)
}

/// The option of a backend that sets the search path. A space separates options unless a backslash precedes it
/// (documentation of libpq, "options").
fn search_path(schemas: &str) -> String {
    let schemas: Vec<_> = schemas.split(',').map(|schema| identifier(schema.trim())).collect();
    format!("-c search_path={}", schemas.join(",").replace('\\', "\\\\").replace(' ', "\\ "))
}
