//! The files of a schema's migrations: that they are there, in order, and that none of them has been replaced.

use pgproof_runner::migration::{MigrationError, select};
use pgproof_runner::{Config, Schema};
use pgproof_sql::{Migration, SourceError};

use super::{Check, Outcome, Problem, Subject};

/// Checks the files, without a server.
pub fn migration_files(config: &Config, schema: &Schema) -> Check {
    let outcome = match select(config, schema) {
        Ok(migrations) => Outcome::Fine(listed(&migrations)),
        Err(error) => Outcome::Problem(Problem::new(pgproof_sql::with_causes(&error), remedy(&error))),
    };
    Check { subject: Subject::Migrations(schema.name.clone()), outcome }
}

fn listed(migrations: &[Migration]) -> String {
    let name = |migration: &Migration| migration.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match migrations {
        [only] => format!("1 migration, {}", name(only)),
        [first, .., last] => format!("{} migrations, {} to {}", migrations.len(), name(first), name(last)),
        [] => "0 migrations".to_owned(),
    }
}

/// What to do, where the error does not say it.
fn remedy(error: &MigrationError) -> Vec<String> {
    let steps: &[&str] = match error {
        MigrationError::Source(SourceError::Gap { .. }) => {
            &["restore the missing file (git log shows who removed it), or number the files without a gap"]
        }
        MigrationError::Source(SourceError::DuplicateNumber { .. }) => {
            &["give the newer one the next free number; what is applied already must keep its own"]
        }
        MigrationError::Source(SourceError::NoMigrations { .. }) => {
            &["check `migrations` in pgproof.toml, which names the directory"]
        }
        MigrationError::Source(SourceError::Empty { .. }) => &["remove the file, or write its statements"],
        _ => &[],
    };
    steps.iter().map(|step| (*step).to_owned()).collect()
}
