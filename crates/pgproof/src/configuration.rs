//! `pgproof.toml` with the tables of all subsystems: this crate is the first that knows them all. An error in any of
//! them is reported when the file is read, not when something needs the table.

use std::path::Path;

use pgproof_catalog::row::Rows;
use pgproof_plans::Plans;
use pgproof_rerun::Rerun;
use pgproof_runner::{Config, ConfigError};
use pgproof_tenancy::Tenancy;

/// Reads the file that `$PGPROOF_CONFIG` names, else the nearest one from the working directory upwards.
pub fn find() -> Result<Config, ConfigError> {
    whole(Config::find()?)
}

/// Reads this file.
pub fn read(file: &Path) -> Result<Config, ConfigError> {
    whole(Config::read(file)?)
}

fn whole(config: Config) -> Result<Config, ConfigError> {
    config.demand::<Rows>()?.demand::<Plans>()?.demand::<Rerun>()?.demand::<Tenancy>()?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgproof_runner::config::Subsystem;

    #[test]
    fn the_table_of_every_subsystem_is_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("pgproof.toml");
        for subsystem in Subsystem::ALL {
            let key = subsystem.key();
            let wrong = format!(
                "[schemas.shop]\nmigrations = \"sql\"\nsuite = {{ package = \"p\", test = \"t\" }}\n{key} = 7\n"
            );
            std::fs::write(&file, wrong).expect("a file");
            let error = read(&file).expect_err(key).to_string();
            assert!(error.contains("line 4") && error.contains(&format!("{key} = 7")), "{error}");
        }
    }
}
