//! Which migrations are applied to a schema's database: the numbered ones, and the optional ones that were requested. A
//! file that another migration has replaced is an error wherever it appears.

use std::path::{Path, PathBuf};

use super::MigrationError;
use crate::{config::Config, config::Schema, config::Superseded};
use pgproof_sql::{Migration, discover, leave_out_extensions, read, sql_files};

/// The migrations of a schema, in the order in which to apply them.
pub fn select(config: &Config, schema: &Schema) -> Result<Vec<Migration>, MigrationError> {
    let directory = config.path(&schema.migrations);
    if let Some(superseded) = &schema.superseded {
        reject_superseded(superseded, &sql_files(&directory, &config.root)?, &config.root)?;
        if let Some(optional) = &schema.optional {
            reject_superseded(superseded, &sql_files(&config.path(optional), &config.root)?, &config.root)?;
        }
    }
    let mut migrations = discover(&directory, &config.root)?;
    for name in optional_names(config, schema)?.into_iter().filter(|name| config.with.contains(name)) {
        migrations.push(optional(config, schema, &name)?);
    }
    // With an owner, a superuser creates these beforehand.
    if schema.owner.is_some() {
        leave_out_extensions(&mut migrations, &schema.extensions);
    }
    Ok(migrations)
}

/// The optional migration of this name. It comes after all numbered ones.
pub fn optional(config: &Config, schema: &Schema, name: &str) -> Result<Migration, MigrationError> {
    let known = optional_names(config, schema)?;
    match &schema.optional {
        Some(directory) if known.iter().any(|other| other == name) => {
            Ok(read(u64::MAX, &config.path(directory).join(format!("{name}.sql")), &config.root)?)
        }
        _ => Err(MigrationError::NoOptional { schema: schema.name.clone(), name: name.to_owned(), known }),
    }
}

/// The names of a schema's optional migrations: their file names without the extension.
pub fn optional_names(config: &Config, schema: &Schema) -> Result<Vec<String>, MigrationError> {
    let Some(directory) = &schema.optional else { return Ok(Vec::new()) };
    let files = sql_files(&config.path(directory), &config.root)?;
    let mut names: Vec<String> = files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// Rejects files that a migration has replaced.
fn reject_superseded(superseded: &Superseded, files: &[PathBuf], root: &Path) -> Result<(), MigrationError> {
    let without_number =
        |name: &str| name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_' || c == '-').to_owned();
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if superseded.files.iter().any(|one| without_number(one) == without_number(name)) {
            let path = file.strip_prefix(root).unwrap_or(file).to_path_buf();
            return Err(MigrationError::Superseded { path, by: superseded.by.clone() });
        }
    }
    Ok(())
}
