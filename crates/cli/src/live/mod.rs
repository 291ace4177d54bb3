//! The commands for a database that is in use: which one is meant, and the consent to change it. Each command has a
//! module of its own; what it does stands in `pgproof-live`.

mod after_care;
pub(crate) mod backup;
pub(crate) mod checklist;
mod consent;
pub(crate) mod drift;
mod ground;
pub(crate) mod migrate;
mod plan;
pub(crate) mod restore;
pub(crate) mod restore_drill;
pub(crate) mod rollback;
pub(crate) mod run;
mod steps;

use std::sync::Arc;

use anyhow::bail;
use pgproof_live::Target;
use pgproof_live::doctor::Unreachable;
use pgproof_runner::Config;
use pgproof_runner::isolation::Template;
use pgproof_server::{Version, majors};

use crate::server::ServerArguments;
use crate::terminal::note;

pub(crate) use consent::{Consent, Stakes};

/// Which database a command is about.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DatabaseArguments {
    /// The database: a name in `[databases]` of pgproof.toml, or a connection string
    #[arg(long, value_name = "NAME|URL")]
    database: String,
}

impl DatabaseArguments {
    /// The database that is meant.
    pub(crate) fn target(&self, config: &Config) -> anyhow::Result<Target> {
        Ok(Target::of(config, &self.database)?)
    }
}

/// The schema of a database: the one that a command is given, that `pgproof.toml` gives the database, or the only one.
pub(crate) fn schema_of(config: &Config, target: &Target, given: Option<&str>) -> anyhow::Result<String> {
    if let Some(name) = given.or(target.settings.schema.as_deref()) {
        return Ok(config.schema(name)?.name.clone());
    }
    let known: Vec<&str> = config.schemas.keys().map(String::as_str).collect();
    if let [only] = known.as_slice() {
        return Ok((*only).to_owned());
    }
    let example = known.first().copied().unwrap_or_default();
    bail!(
        "which schema {target} has is not known: name one of {}, or set `schema = \"{example}\"` in its table of pgproof.toml",
        known.join(", ")
    )
}

/// Starts a disposable server of the same major version as that of the database, or the newest if there is none.
pub(crate) fn start_beside(config: &Config, server: &ServerArguments, target: &Target) -> anyhow::Result<()> {
    let version = target.reader().and_then(|mut session| Version::of(&mut session));
    let version = version.map_err(|error| Unreachable::new(target, error))?;
    start_same(config, server, &version, &target.to_string())
}

/// A disposable database that the migrations of a schema made, on a server like that of the database.
pub(crate) fn migrated_beside(
    config: &Config,
    server: &ServerArguments,
    target: &Target,
    schema: &str,
) -> anyhow::Result<Arc<Template>> {
    start_beside(config, server, target)?;
    Ok(Template::in_config(|| Ok(config.clone()), schema)?)
}

/// Starts a disposable server of this major version, which `whose` has, or the newest if there is none.
pub(crate) fn start_same(
    config: &Config,
    server: &ServerArguments,
    version: &Version,
    whose: &str,
) -> anyhow::Result<()> {
    let options = server.options(&config.server)?;
    // A server that is already running has one version.
    let known = majors(&options).unwrap_or_default();
    let same = known.contains(&version.major).then_some(version.major);
    if same.is_none() && !known.is_empty() {
        note(format_args!(
            "note: {whose} has PostgreSQL {version}, and no PostgreSQL {} is here: the disposable server is of another major version, which prints some definitions otherwise",
            version.major
        ));
    }
    server.start(&config.server, same)
}
